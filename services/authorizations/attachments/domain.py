"""What a file is, told from its bytes. A name or a Content-Type is the sender's word, and counts for nothing.

Three formats need no library: each has a signature and a structure that a few lines follow to its end. What a file
would do in a viewer is not judged here: it is shown to agents alone, as a download.
"""

import re
from collections.abc import Callable, Mapping
from zlib import crc32

from contracts.agency.forms import AttachmentFormat

MEDIA_TYPES: Mapping[AttachmentFormat, str] = {"pdf": "application/pdf", "jpeg": "image/jpeg", "png": "image/png"}

PDF_HEADER = re.compile(rb"%PDF-(1\.[0-7]|2\.0)\s")
PDF_END = 1024  # bytes in which a reader looks for the end (ISO 32000-1, annex H.3, note 18)

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_AROUND_CHUNK = 12  # bytes: length, type and CRC of a chunk (PNG, third edition, 5.3)

JPEG_START, JPEG_END, JPEG_SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # markers SOFn (ITU-T T.81, table B.1)


def format_of(content: bytes) -> AttachmentFormat | None:
    """The format that the bytes have from their first to their last; None when it is none of ours."""
    return next((name for name, is_one in FORMATS.items() if is_one(content)), None)


def _is_pdf(content: bytes) -> bool:
    end = content[-PDF_END:]
    return bool(PDF_HEADER.match(content)) and b"startxref" in end and b"%%EOF" in end


def _is_png(content: bytes) -> bool:
    if not content.startswith(PNG_SIGNATURE):
        return False
    place = len(PNG_SIGNATURE)
    while place + PNG_AROUND_CHUNK <= len(content):
        end = place + PNG_AROUND_CHUNK + int.from_bytes(content[place : place + 4])
        kind = content[place + 4 : place + 8]
        if end > len(content) or crc32(content[place + 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            return False
        if place == len(PNG_SIGNATURE) and kind != b"IHDR":
            return False
        if kind == b"IEND":
            return end == len(content)
        place = end
    return False


def _is_jpeg(content: bytes) -> bool:
    if not content.startswith(JPEG_START) or not content.endswith(JPEG_END):
        return False
    place, has_frame = len(JPEG_START), False
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4])
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == JPEG_SCAN:
            return has_frame
        has_frame = has_frame or marker in JPEG_FRAMES
        if length < 2:
            return False
        place += 2 + length
    return False


FORMATS: Mapping[AttachmentFormat, Callable[[bytes], bool]] = {"pdf": _is_pdf, "jpeg": _is_jpeg, "png": _is_png}
