"""How a path names one complaint: by what can be its id, so that no word beside it is taken for one."""

from typing import Final

from starlette.convertors import StringConvertor, register_url_convertor

from service.api.v1.wire.complaints import COMPLAINT_ID


class ComplaintConvertor(StringConvertor):
    """Matches hexadecimal ids and nothing else, such as `refits`."""

    regex = COMPLAINT_ID


register_url_convertor("complaint", ComplaintConvertor())

ONE: Final = "{complaint_id:complaint}"
"""The part of a path that names a complaint."""
