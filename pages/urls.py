from django.urls import path

from pages import views

app_name = "pages"
urlpatterns = [
    path("pages/<slug:slug>/", views.own_page, name="page"),
    path("pages/<slug:slug>/<int:number>/", views.terms_version, name="version"),
]
