"""Addresses of the operations."""

from django.urls import path

from glint_dashboard.content.operations import views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("<str:ident>/", views.DetailView.as_view(), name="detail"),
]
