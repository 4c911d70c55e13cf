"""What the templates are filled with. Plain values, already in the viewer's words and zone: a template never computes.

An `href` is always a path with its query, ready for an attribute.
"""
