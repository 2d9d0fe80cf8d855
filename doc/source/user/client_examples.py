"""The examples of client.rst; tests/unit/client/test_examples.py runs each."""

from __future__ import annotations

from keystoneauth1 import loading

import glint.client


def connect(**login: str) -> glint.client.Client:
    # [connect]
    plugin = loading.get_plugin_loader("v3password").load_from_options(**login)
    session = loading.session.Session().load_from_options(auth=plugin)
    client = glint.client.Client(session, region_name="ALTO")
    # [end]
    return client


def lists(client: glint.client.Client) -> list[str]:
    # [lists]
    broken = [
        f"{cell['image_id']} at {cell['credential_id']}: {cell['error_code']}"
        for cell in client.deployments.list(status="failed", sort="updated_at:desc")
    ]
    # [end]
    return broken


def deploy(client: glint.client.Client, image: str, sites: set[str]) -> None:
    # [deploy]
    (found,) = client.images.list(name=f"eq:{image}")
    wishes = [
        {"image_id": found["id"], "credential_id": column["id"], "wanted": True}
        for column in client.credentials.list()
        if column["site_name"] in sites
    ]
    operation = client.operations.create(wishes)

    def show(now: glint.client.Resource) -> None:
        print(now["state"], now["bytes_done"], "of", now["bytes_total"], "bytes")

    operation = client.wait_for(operation, timeout=600, callback=show)
    for change in operation["changes"]:
        if change["state"] == "failed":
            print(change["error_code"], change["error_detail"])
    # [end]


def errors(client: glint.client.Client, ident: str) -> str:
    # [errors]
    try:
        client.images.delete(ident)
    except glint.client.NotFound:
        return "gone already"
    except glint.client.Conflict as error:
        return f"{error.code}: {error.detail}"
    # [end]
    return "gone"


def versions(client: glint.client.Client) -> str:
    # [versions]
    lowest, highest = client.versions()
    # [end]
    return f"{lowest} to {highest}"


def follow(client: glint.client.Client) -> None:
    # [follow]
    for event in client.events.follow(last=5, interval=2.0):
        print(event["at"], event["message"])
    # [end]
