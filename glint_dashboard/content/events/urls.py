"""Addresses of the history."""

from django.urls import path

from glint_dashboard.content.events import views

urlpatterns = [path("", views.IndexView.as_view(), name="index")]
