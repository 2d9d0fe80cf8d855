"""Addresses of the images."""

from django.urls import path

from glint_dashboard.content.images import views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("register/", views.RegisterView.as_view(), name="register"),
    path("<str:ident>/", views.DetailView.as_view(), name="detail"),
    path("<str:ident>/edit/", views.EditView.as_view(), name="edit"),
]
