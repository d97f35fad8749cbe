"""Lists the owner puts in order: by dragging, with the arrow keys, or by the numbers in the column."""

from django.contrib.admin.views.main import ORDER_VAR, ChangeList


class OrderedChangeList(ChangeList):
    """A list whose rows stand in their order, unless somebody sorted it by a column or searches it."""

    @property
    def can_be_ordered(self) -> bool:
        return ORDER_VAR not in self.params and not self.query and self.result_count > 1
