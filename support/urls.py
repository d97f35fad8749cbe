from django.urls import path

from support import pages

app_name = "support"
urlpatterns = [
    path("tickets/", pages.tickets, name="tickets"),
    path("tickets/new/", pages.new, name="new"),
    path("tickets/<int:pk>/", pages.ticket, name="ticket"),
    path("tickets/<int:pk>/close/", pages.close, name="close"),
]
