#!/usr/bin/env python3
"""People who come again and again, through the REST API of a running suite that knows nobody.

Every photo of an LFW-like folder (NAME_0001.jpg) is one visit, in a random order. By camera alone people are known by their faces;
with cookies each person has a browser of their own. Prints what became of newcomers and of every return, and one line of JSON.
"""

import argparse
import collections
import http.client
import json
import random
import sys
import urllib.parse
from pathlib import Path

RETURNS = 5  # later ones count together


class Visits:
    """What becomes of each visit, by who the photo shows."""

    def __init__(self):
        self.profiles = collections.defaultdict(list)
        self.newcomers = collections.Counter()
        self.returns = collections.defaultdict(collections.Counter)
        self.seen = collections.Counter()
        self.reasons = collections.Counter()
        self.means = collections.Counter()
        self.errors = collections.Counter()

    def count(self, person, user):
        """One answer's `user`."""
        status, profiles = user["status"], self.profiles[person]
        if status == "uncertain":
            self.reasons[user["reason"]] += 1
        if "by" in user:
            self.means[user["by"]] += 1
        if not profiles:
            self.newcomers[{"new": "enrolled", "returning": "merged"}.get(status, "unsure")] += 1
        else:
            self.seen[person] += 1
            kind = "found" if user.get("id") in profiles else "wrong"
            kind = {"uncertain": "unsure", "new": "again"}.get(status, kind)
            self.returns[min(self.seen[person], RETURNS)][kind] += 1
        if status == "new":
            profiles.append(user["id"])

    def report(self):
        """All shares."""
        returning = sum(self.returns.values(), collections.Counter())
        return {
            "newcomers": self.newcomers.total(),
            **shares(self.newcomers, "enrolled", "merged"),
            "returning": returning.total(),
            **shares(returning, "found", "again", "unsure", "wrong"),
            "found_by_return": {n: shares(kinds, "found")["found"] for n, kinds in sorted(self.returns.items())},
            "by": dict(self.means),
            "people_with_duplicates": sum(len(profiles) > 1 for profiles in self.profiles.values()),
            "reasons": dict(self.reasons),
            "errors": dict(self.errors),
        }


def shares(counts, *kinds):
    """The share of each kind, four digits."""
    return {kind: round(counts[kind] / max(counts.total(), 1), 4) for kind in kinds}


def cookie(response):
    """What the browser keeps, or None where the answer leaves it as it is."""
    for value in response.headers.get_all("Set-Cookie", []):
        pair = value.split(";")[0]
        if pair.startswith("mien_user="):
            return pair
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="of the gateway")
    parser.add_argument("images", type=Path)
    parser.add_argument("--by", choices=("camera", "cookies"), default="camera")
    parser.add_argument("--limit", type=int, help="only so many visits")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()

    photos = sorted(arguments.images.rglob("*.jpg"))
    if not photos:
        parser.error(f"{arguments.images} has no .jpg")
    random.Random(arguments.seed).shuffle(photos)
    gateway = http.client.HTTPConnection(urllib.parse.urlparse(arguments.url).netloc, timeout=120)
    visits, browsers = Visits(), {}
    for number, photo in enumerate(photos[: arguments.limit], 1):
        person = photo.stem.rsplit("_", 1)[0]
        headers = {"Content-Type": "image/jpeg"}
        if arguments.by == "cookies" and person in browsers:
            headers["Cookie"] = browsers[person]
        gateway.request("POST", "/v1/selfies", photo.read_bytes(), headers)
        response = gateway.getresponse()
        body = response.read()
        if response.status != 200:
            visits.errors[str(response.status)] += 1
            continue
        browsers[person] = cookie(response) or browsers.get(person, "")
        visits.count(person, json.loads(body)["user"])
        if number % 500 == 0:
            print(number, json.dumps(visits.report()), file=sys.stderr, flush=True)
    report = visits.report()
    for name, value in report.items():
        print(f"  {name:24}{json.dumps(value)}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
