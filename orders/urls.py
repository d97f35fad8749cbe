from django.urls import path

from orders.pages import (
    bulk,
    export,
    family_lists,
    job_list,
    job_page,
    mass_order,
    mass_placed,
    new_order,
    refill_list,
    status,
    views,
)

app_name = "orders"
urlpatterns = [
    path("status/", status.status, name="status"),
    path("order/", new_order.new_order, name="new"),
    path("order/quote", new_order.quote_fragment, name="quote"),
    path("order/services", new_order.services, name="services"),
    path("orders/", views.order_list, name="list"),
    path("orders/rows", views.order_rows, name="rows"),
    path("orders/mass/", mass_order.mass_order, name="mass"),
    path("orders/mass/left.csv", mass_order.left_csv, name="mass_left"),
    path("orders/mass/<int:number>/", mass_placed.mass_placed, name="mass_placed"),
    path("orders/mass/<int:number>/orders.csv", mass_placed.placed_csv, name="mass_csv"),
    path("orders/csv", export.orders_csv, name="csv"),
    path("orders/bulk/", bulk.bulk, name="bulk"),
    path("orders/bulk/start", bulk.start, name="bulk_start"),
    path("orders/refills/", refill_list.refills, name="refills"),
    path("orders/drip-feeds/", family_lists.drip_feeds, name="drip_feeds"),
    path("orders/subscriptions/", family_lists.subscriptions, name="subscriptions"),
    path("orders/<int:number>/", views.order, name="order"),
    path("orders/<int:number>/note", views.note, name="note"),
    path("orders/<int:number>/receipt", views.receipt, name="receipt"),
    path("orders/<int:number>/refill", views.refill, name="refill"),
    path("orders/<int:number>/cancel", views.cancel, name="cancel"),
    path("jobs/", job_list.jobs, name="jobs"),
    path("jobs/<int:number>/", job_page.job, name="job"),
    path("jobs/<int:number>/stop", job_page.stop, name="job_stop"),
    path("jobs/<int:number>/results.csv", job_page.results_csv, name="job_results"),
]
