from django.urls import path

from catalog.shop import views
from catalog.shop.feeds import UpdatesAtom, UpdatesRss

app_name = "catalog"
urlpatterns = [
    path("", views.prices, name="prices"),
    path("updates/", views.updates, name="updates"),
    path("updates/rss/", UpdatesRss(), name="updates_rss"),
    path("updates/atom/", UpdatesAtom(), name="updates_atom"),
]
