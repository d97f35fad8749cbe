from django.urls import path

from api import views
from api.docs import page

app_name = "api"
urlpatterns = [
    path("api/", page.page, name="docs"),
    path("api/v2", views.endpoint, name="endpoint"),
    path("api/v2/", views.endpoint),
    path("api/v2/openapi.json", page.openapi, name="openapi"),
]
