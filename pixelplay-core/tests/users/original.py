"""Writes ../fixtures/users/original.json: users as the original application kept them.

    python original.py          # with bcrypt 4.3.0

The application kept what streamlit-authenticator keeps, `credentials` -> `usernames` -> {email, name, password}, in
YAML, of which JSON is a subset. The password is `bcrypt.hashpw(password.encode(), bcrypt.gensalt())`, at bcrypt's
default cost of 12. `passwords` is only for the test. The salts are random, so each run produces different hashes.
"""

import json
import pathlib

import bcrypt

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "users" / "original.json"

# Without password rules, people chose passwords like these. bcrypt reads 72 bytes; this version of the package cuts off
# the rest.
PASSWORDS = {
    "ana.lima@example.org": "abc123",
    "Bjørn": "cafe\u0301 und Fru\u0308chte",
    "clara_42": "the tuba player of the third house on the left snores in b flat all night long",
}
# The prefixes that other libraries write, for the same algorithm.
PREFIXES = {"clara_42": b"2a"}


def hashed(name: str, password: str) -> str:
    salt = bcrypt.gensalt(prefix=PREFIXES.get(name, b"2b"))
    return bcrypt.hashpw(password.encode(), salt).decode()


def main() -> None:
    usernames = {
        name: {
            "email": name if "@" in name else f"user{at}@example.org",
            "name": name.split("@")[0].title(),
            "password": hashed(name, password),
        }
        for at, (name, password) in enumerate(PASSWORDS.items())
    }
    kept = {"credentials": {"usernames": usernames}, "passwords": PASSWORDS}
    OUT.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
