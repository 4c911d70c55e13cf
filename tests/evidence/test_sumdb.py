"""Nothing of ours is checked only by ours: thousands of checkpoints and proofs, before golang.org/x/mod/sumdb."""

from __future__ import annotations

import random

import pytest

from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import Note, PrivateKey, VerifierKey, sign, to_base64
from minutebook.evidence.proof import prove_consistency, prove_inclusion, root_at
from tests.evidence.test_proof import mutated
from tests.support import sumdb, trees
from tests.support.full import FULL
from tests.support.sumdb import LAST

LEAVES = 1_100
CLAIMS = 4_000 if FULL else 600


@pytest.mark.slow
@pytest.mark.timeout(2 * LAST)
def test_another_implementation_accepts_and_refuses_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    judge = sumdb.judge(tmp_path_factory)
    chance = random.Random(20261126)
    hashes = trees.leaf_hashes(LEAVES)
    read = trees.read(hashes)
    claims: list[dict[str, object]] = []
    wrong: list[dict[str, object]] = []
    for number in range(CLAIMS):
        signer = PrivateKey(chance.randbytes(32))
        key = VerifierKey(f"minutebook.example/o/log_{number}", signer.public)

        def signed(size: int, key: VerifierKey = key, signer: PrivateKey = signer) -> str:
            text = Checkpoint(key.name, size, root_at(read, size)).text()
            return str(Note(text, (sign(text, key.name, signer),)))

        new = chance.choice((chance.randrange(1, 40), chance.randrange(1, LEAVES), 256, 512, 1024))
        old, index = chance.randrange(1, new + 1), chance.randrange(new)
        about: dict[str, object] = {"key": str(key), "checkpoint": signed(new)}
        if number % 2:
            path, about["old"] = prove_consistency(read, old, new), signed(old)
        else:
            path, about["leaf"], about["index"] = prove_inclusion(read, index, new), to_base64(hashes[index]), index
        claims.append(about | {"path": list(map(to_base64, path))})
        other = mutated(chance, path, hashes)
        if other != path:
            wrong.append(about | {"path": list(map(to_base64, other))})
        wrong.append(claims[-1] | {"checkpoint": signed(new).replace(f"\n{new}\n", f"\n{new + 1}\n")})
    assert judge.judge(claims) == ["ok"] * CLAIMS
    answers = judge.judge(wrong)
    assert len(answers) == len(wrong) > CLAIMS
    assert "ok" not in answers
