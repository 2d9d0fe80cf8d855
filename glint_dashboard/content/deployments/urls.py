"""Addresses of the matrix."""

from django.urls import path, re_path

from glint_dashboard.content.deployments import views

urlpatterns = [
    path("", views.IndexView.as_view(), name="index"),
    path("state/", views.StateView.as_view(), name="state"),
    path("save/", views.SaveView.as_view(), name="save"),
    path("cell/<str:image>/<str:credential>/", views.CellView.as_view(), name="cell"),
    re_path(
        r"^deployment/(?P<deployment>[^/]+)/(?P<verb>retry|cancel|clear)/$",
        views.ActView.as_view(),
        name="act",
    ),
]
