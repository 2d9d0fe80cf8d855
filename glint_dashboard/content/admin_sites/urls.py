"""Addresses of the administrator's sites."""

from django.urls import path

from glint_dashboard.content.admin_sites import views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("add/", views.AddView.as_view(), name="add"),
    path("<str:ident>/edit/", views.EditView.as_view(), name="edit"),
]
