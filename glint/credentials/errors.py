"""What can go wrong with secrets. No message of these ever holds a secret or a ciphertext."""

from __future__ import annotations

from glint import exception


class KeysUnusable(exception.GlintError):
    """The key folder is missing, unsafe or broken: nothing can be encrypted or decrypted."""

    code, status, title = "credential.keys_unusable", 500, "Credential keys unusable"
    template = "The credential keys in {path} cannot be used: {reason}. {cure}."
    remedy = (
        "The operator mends what the reason names: glint-manage credential setup makes new keys."
    )


class SecretUnreadable(exception.GlintError):
    """A stored secret was made with a key that is not there (any more), or it was altered."""

    code, status, title = "credential.secret_unreadable", 500, "Stored secret unreadable"
    template = (
        "A stored secret cannot be decrypted with the keys in {path}. Give the credential its"
        " secret anew, or ask the operator to bring back the key that it was encrypted with."
    )


class HomeTokenUnsuitable(exception.GlintError):
    """The caller's token cannot make (or remove) an application credential."""

    code, status, title = "credential.home_token_unsuitable", 403, "Forbidden"
    template = "Your token cannot be used to manage Glint's application credential: {reason}."
    remedy = "Use a token of a login by password, or a credential with a login of its own."


class HomeRefused(exception.GlintError):
    """The home cloud's Keystone refused the application credential for a reason of its own."""

    code, status, title = "credential.home_refused", 409, "Conflict"
    template = "The home cloud's Keystone refused: {reason}."
    remedy = (
        "Look at the reason: most often a quota of application credentials in the home "
        "cloud's Keystone."
    )
