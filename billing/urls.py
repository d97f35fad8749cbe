from django.urls import path

from billing import views
from billing.documents import pages as papers
from billing.gateways.demo import pages as demo
from billing.topups import pages

app_name = "billing"
urlpatterns = [
    path("wallet/", views.wallet, name="wallet"),
    path("wallet/statement.csv", views.statement_csv, name="csv"),
    path("wallet/add/", pages.add_funds, name="add_funds"),
    path("wallet/add/prices/", pages.offers, name="offers"),
    path("wallet/add/code/", pages.redeem_code, name="redeem"),
    path("wallet/topups/", pages.topups, name="topups"),
    path("wallet/topups/<int:pk>/", pages.topup, name="topup"),
    path("wallet/topups/<int:pk>/sent/", pages.sent, name="sent"),
    path("wallet/receipts/", papers.documents, name="documents"),
    path("wallet/receipts/<int:pk>/", papers.document, name="document"),
    path("wallet/receipts/<int:pk>/pdf/", papers.document_pdf, name="document_pdf"),
    path("wallet/demo/<slug:remote_id>/", demo.payment, name="demo_payment"),
]
