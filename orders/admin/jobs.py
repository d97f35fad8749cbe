"""The jobs of staff and customers: how far each is, what became of its orders, a stop, and a table of all results."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from core.clock import database_now
from core.read_only_admin import ReadOnlyAdmin
from core.staff_actions import staff_actor
from core.templatetags.shop import num
from orders.jobs.by_staff import OF_STAFF, RIGHT
from orders.jobs.kinds import kind_of
from orders.jobs.of_orders import OF_CUSTOMERS
from orders.jobs.starting import stop_job
from orders.models import Job
from orders.pages.job_page import cells_of, context_of
from orders.pages.mass_placed import csv_file

_ORDER_PAGE = "admin:orders_order_change"


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """All jobs of a kind that we know; those of customers may be stopped here, too."""

    list_display = ("title_", "state", "results", "created_at", "actor", "reason")
    list_filter = ("state", ("customer", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("=id", "actor", "reason")
    search_help_text = _("Number, person or reason")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        jobs: QuerySet[Job] = super().get_queryset(request)
        return jobs.filter(kind__in=[*OF_STAFF, *OF_CUSTOMERS])

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/stop/", wrap(self.stop), name="orders_job_stop"),
            path("<int:pk>/results.csv", wrap(self.results_csv), name="orders_job_results"),
        ]
        return [*own, *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may start a job sees those of everybody."""
        return request.user.has_perm(RIGHT)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the job; asked with a version, answer only if something has changed since."""
        job = self._job(request, object_id)
        found = context_of(job, _ORDER_PAGE, seen=request.GET.get("seen"))
        if found is None:
            return HttpResponse(status=204)
        percent = job.terms.get("percent")
        terms = [_t("%(percent)s %% of what is left") % {"percent": percent}] if percent else []
        context = {
            **self.admin_site.each_context(request),
            **found,
            "opts": self.opts,
            "about": " · ".join([*terms, f"{job.actor}: {job.reason}" if job.reason else job.actor]),
            "list_url": reverse("admin:orders_order_changelist"),
            "list_name": _t("Orders"),
            "jobs_url": reverse("admin:orders_job_changelist"),
            "job_url": reverse("admin:orders_job_change", args=[job.pk]),
            "stop_url": reverse("admin:orders_job_stop", args=[job.pk]),
            "csv_url": reverse("admin:orders_job_results", args=[job.pk]),
        }
        is_part = "seen" in request.GET
        return TemplateResponse(request, "orders/job_live.html" if is_part else "admin/orders/job/job.html", context)

    def stop(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop the job; what was done before stays done."""
        job = self._job(request, str(pk))
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if stop_job(job, now=database_now(), by=staff_actor(request)):
            messages.success(request, _t("Stopped. Nothing more is done; what was done before stays done."))
        else:
            messages.info(request, _t("It had ended already."))
        return redirect("admin:orders_job_change", pk)

    def results_csv(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Return the result of each order of the job as a table for spreadsheets."""
        job = self._job(request, str(pk))
        return csv_file(cells_of(job, _ORDER_PAGE), f"job-{job.pk}.csv")

    def _job(self, request: HttpRequest, number: str) -> Job:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            raise Http404
        return get_object_or_404(self.get_queryset(request), pk=number)

    @admin.display(description=_("job"))
    def title_(self, job: Job) -> str:
        return kind_of(job.kind).title(job.total)

    @admin.display(description=_("results"))
    def results(self, job: Job) -> str:
        return _t("%(done)s of %(all)s") % {"done": num(job.settled), "all": num(job.total)}
