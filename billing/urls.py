from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("wallet/", views.wallet, name="wallet"),
    path("wallet/statement.csv", views.statement_csv, name="csv"),
    path("wallet/add/", views.add_funds, name="add_funds"),
]
