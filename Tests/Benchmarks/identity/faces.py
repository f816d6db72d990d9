"""Made-up faces: people in groups that look alike, two templates each, of two parts like identity's vectors, the first of which is
stronger. Half the probes are of people who are known, half of the same groups' strangers."""

import struct

import numpy as np

WIDTH = 512
GROUPS = 2000
# Cosines, about: of a person to their group, and of a template or a probe to the person.
PERSON, TEMPLATE = 0.5, 0.8
BLOCK = 100_000


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def random(generator, count):
    vectors = generator.standard_normal((count, WIDTH), dtype=np.float32)
    vectors[:, : WIDTH // 4] *= 2.4
    return unit(vectors)


def near(generator, vectors, cosine):
    return unit(vectors * cosine + random(generator, len(vectors)) * (1 - cosine**2) ** 0.5).astype(np.float32)


def write(path, templates, probes):
    """The numbers of templates, values and probes as int64, the templates, the probes; template i is of person i // 2."""
    generator = np.random.default_rng(1)
    groups = random(generator, GROUPS)
    known = []
    with open(path, "wb") as file:
        file.write(struct.pack("<3q", templates, WIDTH, probes))
        for start in range(0, templates, BLOCK):
            count = min(BLOCK, templates - start)
            people = near(generator, groups[generator.integers(0, GROUPS, (count + 1) // 2)], PERSON)
            known.append(people[:: max(1, len(people) // probes)])
            near(generator, np.repeat(people, 2, axis=0)[:count], TEMPLATE).tofile(file)
        known = np.concatenate(known)
        returning = known[generator.permutation(len(known))[: probes // 2]]
        strangers = near(generator, groups[generator.integers(0, GROUPS, probes - len(returning))], PERSON)
        probe = near(generator, np.concatenate([returning, strangers]), TEMPLATE)
        probe[generator.permutation(probes)].tofile(file)


def read(path, templates):
    """The first templates, and the probes."""
    with open(path, "rb") as file:
        count, width, probes = struct.unpack("<3q", file.read(24))
    rows = np.memmap(path, np.float32, "r", 24, (count + probes, width))
    return rows[:templates], np.array(rows[count:])
