"""A name server on this machine, for tests of what is asked of one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass
class Zone:
    """What it answers: the TXT records of each name. A name that is not there does not exist; `fails` is a server that
    cannot say."""

    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fails: bool = False
    address: str = ""

    def answer(self, asked: bytes) -> bytes:
        """The answer to one question."""
        question = dns.message.from_wire(asked)
        (about,) = question.question
        response = dns.message.make_response(question)
        response.flags |= dns.flags.RA
        found = self.texts.get(about.name.to_text(omit_final_dot=True).lower())
        if self.fails:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif found is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif about.rdtype == dns.rdatatype.TXT and found:
            quoted = [f'"{text}"' for text in found]
            response.answer.append(dns.rrset.from_text(about.name, 60, "IN", "TXT", *quoted))
        return response.to_wire()


@contextmanager
def name_server() -> Iterator[Zone]:
    """A server that answers from the zone until the block ends; `address` is where it listens."""
    zone = Zone()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        zone.address = f"127.0.0.1:{listening.getsockname()[1]}"

        def serve() -> None:
            while (received := listening.recvfrom(4096))[0]:  # nothing is how it is told to end
                listening.sendto(zone.answer(received[0]), received[1])

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield zone
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", listening.getsockname())
        thread.join()
