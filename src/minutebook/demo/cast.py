"""Who plays in the demo. All of it is invented; addresses are of domains and networks that exist only in documentation.

`joins` and `leaves` are parts of the year, 0 its beginning and 1 now.
"""

from __future__ import annotations

from dataclasses import dataclass

from minutebook.model import Role

BERLIN, LISBON, NEW_YORK, PORTLAND = "Europe/Berlin", "Europe/Lisbon", "America/New_York", "America/Los_Angeles"
TOKYO, SHANGHAI, KATHMANDU, KOLKATA = "Asia/Tokyo", "Asia/Shanghai", "Asia/Kathmandu", "Asia/Kolkata"

CALDER, KESTREL = "Calder Robotics", "Kestrel Works"
DOMAINS = {CALDER: "calder.example", KESTREL: "kestrel.example"}


@dataclass(frozen=True, slots=True)
class Persona:
    """One person: who invites them, as what, when; where they work, and how they get in."""

    name: str
    key: str
    joins: float
    role: Role = Role.MEMBER
    by: str = "priya"
    zone: str = BERLIN
    leaves: float | None = None
    home: str = CALDER

    @property
    def email(self) -> str:
        """Their address; the story calls them by the part before the @."""
        return f"{self.key}@{DOMAINS[self.home]}"


CAST: tuple[Persona, ...] = (
    Persona("Ada Okafor", "ada", 0.0, role=Role.OWNER),
    Persona("Mateo Lindqvist", "mateo", 0.003, role=Role.ADMIN, by="ada"),
    Persona("Jonas Weber", "jonas", 0.008, role=Role.BILLING_MANAGER, by="ada"),
    Persona("Priya Raman", "priya", 0.01, by="mateo", zone=KOLKATA),
    Persona("Hannah Brandt", "hannah", 0.012, by="mateo"),
    Persona("Tomás Silva", "tomas", 0.013, by="mateo", zone=LISBON),
    Persona("Wen Li", "wen", 0.015, by="mateo", zone=SHANGHAI),
    Persona("Jürgen Öztürk", "jurgen", 0.02, by="mateo"),
    Persona("Nguyễn Thị Mai", "mai", 0.03, by="mateo"),
    Persona("李雯", "liwen", 0.045, by="mateo", zone=SHANGHAI),
    Persona("Sofia Marchetti", "sofia", 0.06, role=Role.AUDITOR, by="ada"),
    Persona("Kwame Mensah", "kwame", 0.07, by="mateo"),
    Persona("Zoë van den Berg", "zoe", 0.08, by="mateo"),
    Persona("Siobhán Ní Dhuibhir", "siobhan", 0.09, by="mateo", zone=LISBON),
    Persona("Marcus Feldmann", "marcus", 0.1, by="mateo", leaves=0.64),
    Persona("Aiko Tanaka", "aiko", 0.12, zone=TOKYO),
    Persona("Camille Laurent", "camille", 0.13, by="ada"),
    Persona("Łukasz Wójcik", "lukasz", 0.15),
    Persona("Dev Shrestha", "dev", 0.17, zone=KATHMANDU),
    Persona("Grace Whitfield", "grace", 0.19, zone=NEW_YORK),
    Persona("Paul Kranz", "paul", 0.21, leaves=0.47),
    Persona("Fatima Zahra El Idrissi", "fatima", 0.24),
    Persona("Björn Håkansson", "bjorn", 0.26),
    Persona("Nia Brooks", "nia", 0.28, zone=NEW_YORK),
    Persona("Yusuf Demir", "yusuf", 0.31, by="mateo"),
    Persona("Elena Petrova", "elena", 0.34, by="mateo"),
    Persona("Rafael Ibáñez", "rafael", 0.37, zone=PORTLAND),
    Persona("Chiara Conti", "chiara", 0.4, leaves=0.83),
    Persona("Ondřej Dvořák", "ondrej", 0.43),
    Persona("Keiko Mori", "keiko", 0.46, zone=TOKYO),
    Persona("Sam Achterberg", "sam", 0.48, by="mateo", leaves=0.72),
    Persona("Owen Gallagher", "owen", 0.52, zone=NEW_YORK),
    Persona("Leïla Benali", "leila", 0.55),
    Persona("Anders Møller", "anders", 0.58, by="mateo"),
    Persona("Tess Moreau", "tess", 0.61, leaves=0.9),
    Persona("Ritu Gurung", "ritu", 0.64, zone=KATHMANDU),
    Persona("Maximilian Groß", "max", 0.67, by="mateo"),
    Persona("Ioana Ionescu", "ioana", 0.71),
    Persona("Theo Papadakis", "theo", 0.74, by="mateo"),
    Persona("Hye-jin Park", "hyejin", 0.77, zone=PORTLAND),
    Persona("Beatriz Nogueira", "beatriz", 0.81, zone=LISBON),
    Persona("Samuel O’Neill", "samuel", 0.84, by="mateo"),
    Persona("Arjun Patel", "arjun", 0.88, zone=KOLKATA),
    Persona("Freya Lund", "freya", 0.92, by="mateo"),
    Persona("Abdullah Karimi", "abdullah", 0.955),
    Persona("Noor Haddad", "noor", 0.3, role=Role.OWNER, home=KESTREL),
    Persona("Piet Bakker", "piet", 0.31, role=Role.ADMIN, by="noor", home=KESTREL),
    Persona("Lucía Ferrer", "lucia", 0.33, by="noor", home=KESTREL),
    Persona("Emil Sørensen", "emil", 0.5, by="noor", home=KESTREL),
    Persona("Anya Kovács", "anya", 0.62, by="noor", home=KESTREL),
)


@dataclass(frozen=True, slots=True)
class FalseStart:
    """An invitation that nobody accepts: revoked after `revoked_after` days, else it expires."""

    at: float
    email: str
    role: Role
    by: str
    revoked_after: float | None = None


FALSE_STARTS: tuple[FalseStart, ...] = (
    FalseStart(0.0128, "tomas.silvia@calder.example", Role.MEMBER, "mateo", 0.01),
    FalseStart(0.11, "recruiting@calder.example", Role.MEMBER, "mateo"),
    FalseStart(0.18, "audit@marlowe-partners.example", Role.AUDITOR, "ada", 2.1),
    FalseStart(0.25, "k.jansen@agency.example", Role.MEMBER, "priya"),
    FalseStart(0.3, "k.jansen@agency.example", Role.MEMBER, "priya", 5.0),
    FalseStart(0.44, "interim-cfo@calder.example", Role.BILLING_MANAGER, "ada", 1.2),
    FalseStart(0.57, "leila.benally@calder.example", Role.MEMBER, "priya", 0.004),
    FalseStart(0.69, "summer-intern@calder.example", Role.MEMBER, "mateo"),
    FalseStart(0.86, "arjun.patil@calder.example", Role.MEMBER, "priya", 0.3),
    FalseStart(0.985, "marta.nowak@calder.example", Role.MEMBER, "mateo"),
)

ROLE_CHANGES: tuple[tuple[float, str, str, Role], ...] = (
    (0.095, "ada", "priya", Role.ADMIN),
    (0.16, "mateo", "hannah", Role.BILLING_MANAGER),
    (0.2, "mateo", "hannah", Role.MEMBER),
    (0.27, "ada", "kwame", Role.ADMIN),
    (0.33, "ada", "kwame", Role.MEMBER),
    (0.39, "ada", "camille", Role.ADMIN),
    (0.45, "ada", "camille", Role.OWNER),
    (0.53, "priya", "lukasz", Role.ADMIN),
    (0.535, "mateo", "lukasz", Role.MEMBER),
    (0.6, "ada", "fatima", Role.AUDITOR),
    (0.66, "camille", "fatima", Role.MEMBER),
    (0.7, "mateo", "yusuf", Role.BILLING_MANAGER),
    (0.78, "ada", "camille", Role.ADMIN),
    (0.82, "mateo", "yusuf", Role.MEMBER),
    (0.87, "priya", "anders", Role.ADMIN),
    (0.93, "mateo", "hannah", Role.BILLING_MANAGER),
    (0.97, "priya", "anders", Role.MEMBER),
)
"""When, who, whom, to which role."""
