from django.urls import path

from accounts import languages, mail_pages, terms, viewing, views

urlpatterns = [
    path("account/", views.account, name="account"),
    path("account/viewing/end/", viewing.stop, name="stop_viewing"),
    path("account/language/", languages.save, name="account_language"),
    path("account/notifications/", mail_pages.notifications, name="notifications"),
    path("fewer-mails/<str:token>/", mail_pages.fewer_mails, name="fewer_mails"),
    path("account/second-step/", views.second_factor_needed, name="second_factor_needed"),
    path("account/terms/", terms.accept, name="accept_terms"),
    path("account/api-keys/", views.api_keys, name="api_keys"),
    path("account/api-keys/after-password/", views.keys_after_password, name="keys_after_password"),
    path("account/api-keys/<int:key_id>/", views.api_key, name="api_key"),
    path("account/api-keys/<int:key_id>/change/", views.change_api_key, name="change_api_key"),
    path("account/api-keys/<int:key_id>/revoke/", views.revoke_api_key, name="revoke_api_key"),
]
