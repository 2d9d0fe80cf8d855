"""Addresses of the operations of all projects."""

from django.urls import path

from glint_dashboard.content.admin_operations import views

urlpatterns = [path("", views.IndexView.as_view(), name="index")]
