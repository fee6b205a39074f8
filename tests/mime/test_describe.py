"""One walk gives what the single functions give."""

from hypothesis import given

from maildird.mime.bodystructure import body, bodystructure
from maildird.mime.common_header import COMMON_FIELDS, written_out
from maildird.mime.describe import Description, describe
from maildird.mime.envelope import envelope
from maildird.mime.header import used_header
from maildird.mime.sections import header_fields
from tests.mime.hostile_mail import messages


@given(messages)
def test_a_description_is_made_of_its_parts(message: bytes) -> None:
    description = describe(message)
    assert description == Description(
        size=len(message),
        envelope=envelope(message),
        body=body(message),
        bodystructure=bodystructure(message),
        header=description.header,
    )
    common = header_fields(used_header(message), COMMON_FIELDS, matching=True)
    assert written_out(description.header) == (common if description.header else b"")
