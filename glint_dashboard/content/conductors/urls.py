"""Addresses of the conductors."""

from django.urls import path

from glint_dashboard.content.conductors import views

urlpatterns = [path("", views.IndexView.as_view(), name="index")]
