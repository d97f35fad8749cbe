"""Lists that the owner orders: by dragging rows, with the arrow keys, or by the numbers in the column."""

from django.contrib.admin.views.main import ORDER_VAR, ChangeList


class OrderedChangeList(ChangeList):
    """A list whose rows can be moved, unless it is sorted by a column or searched."""

    @property
    def can_be_ordered(self) -> bool:
        return ORDER_VAR not in self.params and not self.query and self.result_count > 1
