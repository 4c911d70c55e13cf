"""The filters: one table of fields, and what their values mean. Without a database and without I/O."""

from minutebook.filters.actor import ActorMatch, MatchKind, actor_match, matches
from minutebook.filters.clause import Clause
from minutebook.filters.cursor import Cursor, Direction, Seal, search_of
from minutebook.filters.fields import (
    EVERYTHING,
    FIELDS,
    Field,
    Filter,
    expression_of,
    filter_of,
    in_order,
    parse,
    write,
)
from minutebook.filters.moments import Here, Moment, Relative
from minutebook.filters.presets import PRESETS, Preset
from minutebook.filters.terms import TERMS, fits
from minutebook.filters.text import normal_text, text_words
from minutebook.filters.wall import parse_wall, wall_fields
from minutebook.filters.words import id_text, is_id, search_text, text_of
from minutebook.filters.zones import UTC, told, zone_label, zone_named, zone_names

__all__ = [
    "EVERYTHING",
    "FIELDS",
    "PRESETS",
    "TERMS",
    "UTC",
    "ActorMatch",
    "Clause",
    "Cursor",
    "Direction",
    "Field",
    "Filter",
    "Here",
    "MatchKind",
    "Moment",
    "Preset",
    "Relative",
    "Seal",
    "actor_match",
    "expression_of",
    "filter_of",
    "fits",
    "id_text",
    "is_id",
    "in_order",
    "matches",
    "normal_text",
    "parse",
    "parse_wall",
    "search_of",
    "search_text",
    "text_of",
    "text_words",
    "told",
    "wall_fields",
    "write",
    "zone_label",
    "zone_named",
    "zone_names",
]
