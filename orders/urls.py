from django.urls import path

from orders.pages import new_order, status, views

app_name = "orders"
urlpatterns = [
    path("status/", status.status, name="status"),
    path("order/", new_order.new_order, name="new"),
    path("order/quote", new_order.quote_fragment, name="quote"),
    path("order/services", new_order.services, name="services"),
    path("orders/", views.order_list, name="list"),
    path("orders/rows", views.order_rows, name="rows"),
    path("orders/<int:number>/", views.order, name="order"),
    path("orders/<int:number>/refill", views.refill, name="refill"),
    path("orders/<int:number>/cancel", views.cancel, name="cancel"),
]
