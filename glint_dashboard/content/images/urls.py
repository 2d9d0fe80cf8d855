"""Addresses of the images."""

from django.urls import path

from glint_dashboard.content.images import found, making_views, views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("create/", making_views.CreateView.as_view(), name="create"),
    path("found/", found.IndexView.as_view(), name="found"),
    path("register/", views.RegisterView.as_view(), name="register"),
    path("<str:ident>/", views.DetailView.as_view(), name="detail"),
    path("<str:ident>/edit/", views.EditView.as_view(), name="edit"),
    path("<str:ident>/upload/", making_views.UploadView.as_view(), name="upload"),
    path("<str:ident>/file/", making_views.FileView.as_view(), name="file"),
]
