"""`python -m tests.corpus DIRECTORY`: make a tree to try things on."""

import argparse
from pathlib import Path

from tests.corpus.tree import make_tree

parser = argparse.ArgumentParser(description="Make a tree of generated mail.")
parser.add_argument("directory", type=Path)
parser.add_argument("--messages", type=int, default=1000, help="messages in INBOX")
parser.add_argument("--folders", type=int, default=2, help="folders with a tenth of that each")
parser.add_argument("--layout", choices=("maildir++", "fs"), default="maildir++")
parser.add_argument("--seed", type=int, default=1)
chosen = parser.parse_args()
make_tree(chosen.directory, chosen.messages, chosen.folders, chosen.seed, chosen.layout)
