from django.urls import path

from catalog.shop import currency_views, page_views, views
from catalog.shop.feeds import UpdatesAtom, UpdatesRss

app_name = "catalog"
urlpatterns = [
    path("", views.prices, name="prices"),
    path("services/<int:pk>/", page_views.service, name="service"),
    path("services/<int:pk>-<str:words>/", page_views.service, name="service"),
    path("categories/<int:pk>/", page_views.category, name="category"),
    path("categories/<int:pk>-<str:words>/", page_views.category, name="category"),
    path("currency/<str:code>/", currency_views.choose_currency, name="currency"),
    path("updates/", views.updates, name="updates"),
    path("updates/rss/", UpdatesRss(), name="updates_rss"),
    path("updates/atom/", UpdatesAtom(), name="updates_atom"),
]
