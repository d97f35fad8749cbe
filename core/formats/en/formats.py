"""How dates and times are written where a page names no format: everywhere in the admin."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i:s"
