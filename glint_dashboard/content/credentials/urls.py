"""Addresses of the credentials."""

from django.urls import path

from glint_dashboard.content.credentials import views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("add/", views.AddView.as_view(), name="add"),
]
