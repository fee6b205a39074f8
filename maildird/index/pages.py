"""The pages of the index's file, looked at one by one before LMDB is let near them.

Theory of operation. LMDB believes its file: a page that is not what it should be sends it astray,
into memory that isn't there or round in circles. So here the file is read as plain octets, every
number in it is compared with its bounds before it is used, and the first that is wrong ends the
walk. What passes can be mapped.

The file is an array of pages. The first two are the *metas*; a commit writes them in turn, and the
one with the higher transaction number counts. From it hang two trees: the table of tables, each
entry of which is the root of another tree, and the free list, whose entries are lists of page
numbers. A tree has branch pages above and leaf pages below. A leaf holds nodes, a key and its data
each, and data too large for it lies in a run of overflow pages. In tables with duplicates the data
are a tree or, while they are few, a page of their own kind inside the node. Duplicates of one
length lie packed, without node heads ("leaf2").

What holds, and is walked for: each page is used once, and none that is used is free. Keys rise, and
lie where the branches above have them looked for. The nodes of a page fill it from its end without
gaps. Each tree is as deep, and has as many entries, as its root says. Pages that are neither used
nor free are wasted, and do no harm.

The layout is that of LMDB 0.9 (`mdb.c`), in the machine's own sizes and byte order.
"""

import sys
from array import array
from collections.abc import Callable, Sequence
from mmap import mmap
from operator import lt
from struct import Struct, calcsize
from typing import Final, NamedTuple, NoReturn

_HEAD: Final = Struct("@NHHHH")
"""Page number, size of leaf2 keys, flags, end of the node offsets, begin of the nodes."""

_RUN: Final = Struct("@NHHI")
"""The same of a run of overflow pages: their number stands last."""

_META: Final = Struct("@IIPN")
"""Magic number, version, address of the map, its size; two trees follow."""

_TREE: Final = Struct("@IHHNNNNN")
_META_TAIL: Final = Struct("@NN")
"""Last page, transaction number."""

_NODE: Final = Struct("@IHH")
"""Size of the data, or a page number; flags, or its upper bits; size of the key."""

_NUMBER: Final = Struct("@N")
_PAGE_BITS: Final = 32 if calcsize("N") > 4 else 0

_MAGIC: Final = 0xBEEFC0DE
_VERSION: Final = 1
_METAS: Final = 2
_DEEPEST: Final = 32
_NO_PAGE: Final = (1 << 8 * _NUMBER.size) - 1

_BRANCH, _LEAF, _OVERFLOW, _META_PAGE, _LEAF2, _INSIDE = 0x01, 0x02, 0x04, 0x08, 0x20, 0x40
_DIRTY: Final = 0x10
"""May stay set on a page that lives inside a node."""

_BIG, _TABLE, _DUPLICATES = 0x01, 0x02, 0x04
_SORTED: Final = 0x04
_INTEGER_KEYS: Final = 0x08
_OF_ONE_LENGTH: Final = 0x10
_KINDS: Final = frozenset({0, _SORTED, _SORTED | _OF_ONE_LENGTH})
"""What tables may be: of single values, of sorted duplicates, of such of one length."""

_LONGEST: Final = 511
"""Octets of a key, or of a duplicate, at most."""

_ANY_SIZE: Final = 1 << 32
_NOTHING: Final = -1
"""Sizes of data above which a node is looked at: none, and all."""

Octets = bytes | mmap


class PageFault(Exception):
    """A page that is not what it should be; `str()` says which, and what is wrong."""


class _Tree(NamedTuple):
    """The root of a tree (MDB_db)."""

    key_size: int
    flags: int
    depth: int
    branches: int
    leaves: int
    overflows: int
    entries: int
    root: int


class _Node(NamedTuple):
    """A node of a leaf; `data` are within the page."""

    key: bytes
    data: bytes
    size: int
    flags: int


def walk(file: Octets) -> None:
    """Look at every page in use of the file of an index; PageFault at the first that is wrong."""
    size, metas = _metas(file)
    meta = max(metas, key=lambda each: each.transaction)
    pages = _Pages(file, size, meta.last)
    tables: list[_Node] = []
    pages.walk_tree(meta.tables, "the table of tables", tables.append, light=_NOTHING)
    for node in tables:
        if not node.flags & ~_BIG:  # the database of another program
            continue
        if node.flags != _TABLE or len(node.data) != _TREE.size:
            raise PageFault(f"table {node.key!r} has no root")
        tree = _Tree(*_TREE.unpack(node.data))
        if tree.flags not in _KINDS:
            raise PageFault(f"table {node.key!r} is of unknown kind {tree.flags:#x}")
        pages.walk_tree(tree, f"table {node.key!r}")
    pages.walk_free(meta.free, meta.transaction)


class _MetaPage(NamedTuple):
    free: _Tree
    tables: _Tree
    last: int
    transaction: int


def _metas(file: Octets) -> tuple[int, list[_MetaPage]]:
    """The size of a page, and both metas."""
    at_trees = _HEAD.size + _META.size
    length = at_trees + 2 * _TREE.size + _META_TAIL.size
    if len(file) < length:
        raise PageFault(f"it is {len(file)} octets long")
    size, *_ = _TREE.unpack_from(file, at_trees)
    if not 512 <= size <= 65536 or size & (size - 1):
        raise PageFault("it does not begin like an index")
    if len(file) < _METAS * size:
        raise PageFault(f"it is {len(file)} octets long")
    metas = []
    for number in range(_METAS):
        octets = file[number * size : (number + 1) * size]
        page, _, flags, _, _ = _HEAD.unpack_from(octets)
        magic, version, _, _ = _META.unpack_from(octets, _HEAD.size)
        if (page, flags, magic, version) != (number, _META_PAGE, _MAGIC, _VERSION):
            raise PageFault(f"page {number} does not begin like an index")
        free = _Tree(*_TREE.unpack_from(octets, at_trees))
        tables = _Tree(*_TREE.unpack_from(octets, at_trees + _TREE.size))
        last, transaction = _META_TAIL.unpack_from(octets, at_trees + 2 * _TREE.size)
        if (free.key_size, free.flags, tables.flags) != (size, _INTEGER_KEYS, 0):
            raise PageFault(f"page {number} tells of other trees than an index has")
        if transaction % _METAS != number and transaction:
            raise PageFault(f"page {number} bears the number of the other one")
        metas.append(_MetaPage(free, tables, last, transaction))
    if abs(metas[0].transaction - metas[1].transaction) > 1:
        raise PageFault("one of the first two pages is older than it can be")
    return size, metas


class _Place(NamedTuple):
    """The tree that is walked, what it is called, and who is given which of its nodes."""

    tree: _Tree
    name: str
    light: int
    meet: Callable[[_Node], object] | None


class _Pages:
    """The pages of a file, `size` octets each; knows which were met."""

    def __init__(self, file: Octets, size: int, last: int) -> None:
        self._file = file
        self._size = size
        there = min(last + 1, len(file) // size)
        if there < _METAS:
            raise PageFault("it ends before its first pages")
        self._last = last
        self._used = bytearray(there)
        self._used[:_METAS] = b"\1" * _METAS

    def walk_tree(
        self,
        tree: _Tree,
        name: str,
        meet: Callable[[_Node], object] | None = None,
        light: int = _ANY_SIZE,
    ) -> None:
        """Walk all of a tree.

        Nodes that have flags, or more than `light` octets of data, are given to `meet`, or else
        looked into.
        """
        entries = 0
        if not 0 <= tree.depth <= _DEEPEST or (tree.root == _NO_PAGE) != (not tree.depth):
            raise PageFault(f"{name} is {tree.depth} levels deep")
        if tree.depth:
            place = _Place(tree, name, light, meet)
            entries = self._walk_page(place, tree.root, tree.depth, None, None)
        if entries != tree.entries:
            raise PageFault(f"{name} has {entries} entries, and not {tree.entries}")

    def walk_free(self, tree: _Tree, transaction: int) -> None:
        """Walk the free list; what is free now was free before `transaction` ended."""
        nodes: list[_Node] = []
        self.walk_tree(tree, "the free list", nodes.append, light=_NOTHING)
        for node in nodes:
            pages = array("Q" if _NUMBER.size == 8 else "L")
            data = node.data
            if node.flags & _BIG:
                start = _NUMBER.unpack(data)[0] * self._size + _HEAD.size
                data = self._file[start : start + node.size]
            if node.flags & ~_BIG or len(data) < _NUMBER.size or len(data) % _NUMBER.size:
                raise PageFault("the free list holds no list")
            pages.frombytes(data)
            if len(node.key) != _NUMBER.size or pages[0] >= len(pages):
                raise PageFault("the free list holds no list")
            if not 0 < _NUMBER.unpack(node.key)[0] <= transaction:
                raise PageFault("the free list tells of times to come")
            self._free(pages[1 : 1 + pages[0]])

    def _free(self, pages: Sequence[int]) -> None:
        used, there = self._used, len(self._used)
        before = self._last + 1
        for page in pages:
            if page >= before or page < _METAS:
                raise PageFault(f"page {page} stands in the free list, where it can't be")
            if page < there:
                if used[page]:
                    raise PageFault(f"page {page} is in use and free, or free twice")
                used[page] = 1
            before = page

    def _claim(self, page: int, count: int, where: str) -> None:
        """These pages are in use here, and nowhere else."""
        end = page + count
        if page < _METAS or end > len(self._used):
            raise PageFault(f"{where} is not in the file")
        if any(self._used[page:end]):
            raise PageFault(f"{where} is part of something else, too")
        self._used[page:end] = b"\1" * count

    def _walk_page(
        self, place: _Place, page: int, depth: int, low: bytes | None, high: bytes | None
    ) -> int:
        """Walk what is below a page; its keys go from `low` to below `high`. Counts entries."""
        tree, where = place.tree, f"page {page} of {place.name}"
        self._claim(page, 1, where)
        octets = self._file[page * self._size : (page + 1) * self._size]
        number, _, flags, _, _ = _HEAD.unpack_from(octets)
        if number != page or flags != _kind(tree, depth):
            raise PageFault(f"{where} is another one")
        if depth > 1:
            keys, pages = _branch(octets, where)
            bounds = _comparable(keys, tree)[1:]  # the first stands for all that is lower
            _check_order(bounds, low, high, where)
            ends = zip(pages, [low, *bounds], [*bounds, high], strict=True)
            return sum(self._walk_page(place, each, depth - 1, *between) for each, *between in ends)
        if flags & _LEAF2:
            packed = _packed(octets, tree.key_size, where)
            _check_order(packed, low, high, where)
            return len(packed)
        keys, nodes = _leaf(octets, place.light, where)
        _check_order(_comparable(keys, tree), low, high, where)
        return len(keys) + sum([self._enter(node, place, where) for node in nodes])

    def _enter(self, node: _Node, place: _Place, where: str) -> int:
        """Look at the data of a node; how many more entries than one it stands for."""
        if node.flags & _BIG:
            self._claim_run(node, where)
        if place.meet is not None:
            place.meet(node)
        elif node.flags & ~_BIG:
            return self._walk_duplicates(node, place.tree, where) - 1
        return 0

    def _claim_run(self, node: _Node, where: str) -> None:
        """The pages of data that lie outside."""
        (page,) = _NUMBER.unpack(node.data)
        count = (_HEAD.size - 1 + node.size) // self._size + 1
        self._claim(page, count, f"data at page {page} of {where}")
        number, _, flags, length = _RUN.unpack_from(self._file, page * self._size)
        if (number, flags, length) != (page, _OVERFLOW, count):
            raise PageFault(f"page {page} does not hold the data that {where} has there")

    def _walk_duplicates(self, node: _Node, tree: _Tree, where: str) -> int:
        """What lies under one key; how many that is."""
        if not tree.flags & _SORTED or node.flags & ~_TABLE != _DUPLICATES:
            raise PageFault(f"{where} has duplicates where there can be none")
        if node.flags & _TABLE:
            if len(node.data) != _TREE.size:
                raise PageFault(f"{where} has no root for its duplicates")
            duplicates = _Tree(*_TREE.unpack(node.data))
            if duplicates.flags != tree.flags & _OF_ONE_LENGTH:
                raise PageFault(f"{where} has duplicates of another kind")
            self.walk_tree(duplicates, f"the duplicates on {where}", _refuse, light=0)
            return duplicates.entries
        if len(node.data) < _HEAD.size:
            raise PageFault(f"{where} has no page for its duplicates")
        _, size, flags, _, _ = _HEAD.unpack_from(node.data)
        leaf = _LEAF | _LEAF2 if tree.flags & _OF_ONE_LENGTH else _LEAF
        if flags & ~_DIRTY != leaf | _INSIDE:
            raise PageFault(f"{where} has no page for its duplicates")
        if flags & _LEAF2:
            values = _packed(node.data, size, where)
        else:
            values, heavy = _leaf(node.data, 0, where)
            for each in heavy:
                _refuse(each)
        _check_order(values, None, None, where)
        return len(values)


def _refuse(node: _Node) -> NoReturn:
    raise PageFault(f"a duplicate holds more than itself, {node.data!r}")


def _offsets(octets: bytes, where: str) -> list[int]:
    """Where the nodes of a page are, by their keys' order."""
    _, _, _, lower, upper = _HEAD.unpack_from(octets)
    if not _HEAD.size < lower <= upper <= len(octets) or lower % 2:
        raise PageFault(f"{where} has no nodes")
    offsets = array("H", octets[_HEAD.size : lower]).tolist()
    if min(offsets) != upper or max(offsets) + _NODE.size > len(octets):
        raise PageFault(f"{where} has nodes outside of itself")
    return offsets


def _check_filled(offsets: Sequence[int], ends: Sequence[int], octets: bytes, where: str) -> None:
    """The nodes lie one behind the other, to the page's end."""
    if [*sorted(offsets)[1:], len(octets)] != sorted(ends):
        raise PageFault(f"{where} has nodes that overlap, or gaps between them")


def _branch(octets: bytes, where: str) -> tuple[list[bytes], list[int]]:
    """Keys and page numbers of a branch."""
    keys, pages, ends = [], [], []
    offsets = _offsets(octets, where)
    for offset in offsets:
        low, high, size = _NODE.unpack_from(octets, offset)
        begin = offset + _NODE.size
        pages.append(low | high << _PAGE_BITS if _PAGE_BITS else low)
        keys.append(octets[begin : begin + size])
        ends.append((begin + size + 1) & ~1)
    _check_filled(offsets, ends, octets, where)
    return keys, pages


def _leaf(octets: bytes, light: int, where: str) -> tuple[list[bytes], list[_Node]]:
    """The keys of a leaf, and those nodes that have flags or more than `light` octets of data."""
    keys, nodes, ends = [], [], []
    offsets = _offsets(octets, where)
    for offset in offsets:
        size, flags, key_size = _NODE.unpack_from(octets, offset)
        begin = offset + _NODE.size
        middle = begin + key_size
        end = middle + (_NUMBER.size if flags & _BIG else size)
        keys.append(octets[begin:middle])
        ends.append((end + 1) & ~1)
        if flags or size > light:
            nodes.append(_Node(keys[-1], octets[middle:end], size, flags))
    _check_filled(offsets, ends, octets, where)
    return keys, nodes


def _packed(octets: bytes, size: int, where: str) -> list[bytes]:
    """The keys of a leaf2 page, `size` octets each."""
    _, told, _, lower, upper = _HEAD.unpack_from(octets)
    count = (lower - _HEAD.size) // 2
    end = _HEAD.size + count * size
    begin_of_nodes = len(octets) - count * (size - 2)
    if count < 1 or size < 1 or end > len(octets) or (told, upper) != (size, begin_of_nodes):
        raise PageFault(f"{where} has no room for what it holds")
    return [octets[at : at + size] for at in range(_HEAD.size, end, size)]


def _kind(tree: _Tree, depth: int) -> int:
    """The flags of a page that lies so far above the leaves, 1 for a leaf."""
    if depth > 1:
        return _BRANCH
    packed = tree.flags & (_SORTED | _OF_ONE_LENGTH) == _OF_ONE_LENGTH
    return _LEAF | _LEAF2 if packed else _LEAF


def _comparable(keys: list[bytes], tree: _Tree) -> list[bytes]:
    """Keys as they sort: LMDB compares those that are numbers by value."""
    if tree.flags & _INTEGER_KEYS and sys.byteorder == "little":
        return [key[::-1] for key in keys]
    return keys


def _check_order(keys: Sequence[bytes], low: bytes | None, high: bytes | None, where: str) -> None:
    """Keys rise, none is below `low`, all are below `high`."""
    rise = all(map(lt, keys, keys[1:]))
    if max(map(len, keys), default=0) > _LONGEST:
        raise PageFault(f"{where} has a key that is too long")
    if not rise or (keys and not _lies_between(keys[0], keys[-1], low, high)):
        raise PageFault(f"{where} is out of order")


def _lies_between(first: bytes, last: bytes, low: bytes | None, high: bytes | None) -> bool:
    return (low is None or low <= first) and (high is None or last < high)
