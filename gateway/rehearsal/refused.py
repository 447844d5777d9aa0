"""Why the model was not to be had, and what to do: one line for whoever tries a key for the first time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.rehearsal.report import Loss, Model

KEYS = "https://aistudio.google.com/apikey"
SIGN_IN = "gcloud auth application-default login"
NO_CREDENTIALS = (
    f"no Application Default Credentials that can be used were found: run {SIGN_IN}, "
    "or set GOOGLE_APPLICATION_CREDENTIALS to a key file"
)
MODELS = {
    "developer": "https://ai.google.dev/gemini-api/docs/models",
    "vertex": "https://cloud.google.com/vertex-ai/generative-ai/docs/live-api",
}
NAMES = {"developer": "the Gemini Developer API", "vertex": "Vertex AI"}

# What is wrong before a call, by its variable: the rest of the sentence.
WRONG = {
    "GOOGLE_API_KEY": f"is not set: put your Gemini API key there (or into GEMINI_API_KEY); you get one at {KEYS}",
    "GOOGLE_CLOUD_PROJECT": (
        "is not set: put the id of a Google Cloud project there that has the Vertex AI API "
        f"(https://console.cloud.google.com/vertex-ai), and sign in with: {SIGN_IN}"
    ),
    "GOOGLE_CLOUD_LOCATION": "is not set: put a region there (such as us-central1), or global, us or eu",
    **{
        name: "takes a URL that begins with https:// (leave it out for Google's own)"
        for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL")
    },
}

_KEY = {
    "developer": f"refused the API key: check GOOGLE_API_KEY (or GEMINI_API_KEY); you get a key at {KEYS}",
    "vertex": (
        "refused the credentials, or they may not use the project: check GOOGLE_CLOUD_PROJECT, that the Vertex AI API "
        f"is enabled there and that you have the role Vertex AI User; then sign in with: {SIGN_IN}"
    ),
}
_QUOTA = {
    "developer": "https://aistudio.google.com/usage",
    "vertex": "https://console.cloud.google.com/iam-admin/quotas",
}


def advice(losses: Sequence[Loss], model: Model, backend: str, secrets: Iterable[str]) -> str:
    """Why the last loss came about and what to do; empty without one. None of `secrets` is in it."""
    if not losses:
        return ""
    loss = losses[-1]
    said = _without(loss.reason, secrets)
    match loss.kind:
        case "key":
            words = _KEY[backend]
        case "model":
            where = " in GOOGLE_CLOUD_LOCATION" if backend == "vertex" else ""
            words = f"has no Live model {model.name}{where}: change model: in the flow (models: {MODELS[backend]})"
        case "quota":
            words = f"has no quota left for your project: wait some minutes, or look at {_QUOTA[backend]}"
        case "config":
            words = f"refuses what the flow asks for{said}: check the persona's model and voice"
        case _ if loss.code == 0:
            words = f"could not be reached{said}: check the network, and the proxy if there is one"
        case _:
            words = f"was lost ({loss.code}){said}: try again"
    return f"{NAMES[backend]}{f' at {model.at}' * bool(model.at)} {words}"


def _without(reason: str, secrets: Iterable[str]) -> str:
    """The other side's words in brackets, on one line, without what nobody may read."""
    words = " ".join(reason.split())
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        words = words.replace(secret, "<secret>")
    return f" ({words})" if words else ""
