#!/usr/bin/env bash
# What a Google Cloud project needs once before `gcloud builds submit`: APIs, an image repository, two service accounts
# with the least roles, secrets, a network, and Memorystore for Valkey where asked for. It looks first and does what is
# missing, so it may be run again at any time; it never deletes, and never changes what is there.
set -euo pipefail
export CLOUDSDK_CORE_DISABLE_PROMPTS=1

usage() {
  cat <<'USAGE'
usage: deploy/setup.sh --project PROJECT [--region REGION] [--service NAME] [--backend vertex|developer] [--valkey]
                       [--apply]

Without --apply it only looks, and prints the commands that it would run.
  --region    where everything goes (default: us-east4)
  --service   the name of the Cloud Run service (default: gateway)
  --backend   vertex: the core may ask Vertex AI (default); developer: a secret for the key of the Developer API
  --valkey    a Memorystore for Valkey instance too: needed for more than one instance of the core (costs money)
Values of secrets are read from TWILIO_AUTH_TOKEN and GOOGLE_API_KEY, and never printed.
USAGE
}

project='' region=us-east4 service=gateway backend=vertex valkey=no apply=no
while [ $# -gt 0 ]; do
  case $1 in
    --project | --region | --service | --backend)
      [ $# -ge 2 ] || { usage >&2; exit 2; }
      declare "${1#--}=$2"
      shift
      ;;
    --valkey) valkey=yes ;;
    --apply) apply=yes ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
[ -n "$project" ] || { usage >&2; exit 2; }
[[ $backend = vertex || $backend = developer ]] || { usage >&2; exit 2; }

core="gateway-core@$project.iam.gserviceaccount.com"
build="gateway-build@$project.iam.gserviceaccount.com"
bucket="gs://$project-gateway-source"
at=("--project=$project")
todo=0
left=()

die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Runs a command that changes something, or says that it would.
run() {
  todo=$((todo + 1))
  printf '+'
  printf ' %q' "$@"
  printf '\n'
  [ "$apply" = no ] || "$@" >/dev/null
}

# Whether a command that only looks finds what it looks for. Any failure but "there is none" ends the script.
there() {
  local said
  if said=$("$@" 2>&1); then return 0; fi
  grep -qiE 'not.?found|does not exist|SERVICE_DISABLED|has not been used|404' <<<"$said" && return 1
  die "$* failed: $said"
}

# ensure WHAT NAME CREATE-OPTIONS... : `gcloud WHAT describe NAME`, else `gcloud WHAT create NAME OPTIONS`. The options
# before `--` go to both.
ensure() {
  local -a group where=()
  read -ra group <<<"$1"
  local name=$2
  shift 2
  while [ "$1" != -- ]; do where+=("$1"); shift; done
  shift
  there gcloud "${group[@]}" describe "$name" "${where[@]}" "${at[@]}" ||
    run gcloud "${group[@]}" create "${name%%@*}" "${where[@]}" "$@" "${at[@]}" # an account's name grows its domain
}

# grant MEMBER ROLE WHAT NAME [OPTIONS...]: the role on that one thing, if the member hasn't got it.
grant() {
  local member=$1 role=$2 name=$4 held
  local -a group
  read -ra group <<<"$3"
  shift 4
  local -a look=(gcloud "${group[@]}" get-iam-policy "$name" "$@")
  [ "${group[*]}" = projects ] || look+=("${at[@]}")
  if there "${look[@]}" --format=none; then
    held=$("${look[@]}" --flatten='bindings[].members' --format='value(bindings.role)' \
      --filter="bindings.role=$role AND bindings.members=\"$member\"")
    [ -z "$held" ] || return 0
  fi
  local -a how=(gcloud "${group[@]}" add-iam-policy-binding "$name" "$@" "--member=$member" "--role=$role")
  if [ "${group[*]}" = projects ]; then how+=(--condition=None); else how+=("${at[@]}"); fi
  run "${how[@]}"
}

# secret NAME VARIABLE: a secret with a version; the value is that of the variable, or random where VARIABLE is `random`.
secret() {
  local name=$1 variable=$2 value
  ensure secrets "$name" -- --replication-policy=automatic
  grant "serviceAccount:$core" roles/secretmanager.secretAccessor secrets "$name"
  if there gcloud secrets versions list "$name" "${at[@]}" --format=none &&
    [ -n "$(gcloud secrets versions list "$name" "${at[@]}" --limit=1 --format='value(name)')" ]; then
    return 0
  fi
  if [ "$variable" = random ]; then value=$(head -c 32 /dev/urandom | base64); else value=${!variable:-}; fi
  if [ -z "$value" ]; then
    left+=("the secret $name has no value: set $variable and run this again")
    return 0
  fi
  run gcloud secrets versions add "$name" --data-file=- "${at[@]}" < <(printf %s "$value")
}

command -v gcloud >/dev/null || die "gcloud is not installed: https://cloud.google.com/sdk/docs/install"
there gcloud projects describe "$project" --format=none || die "there is no project $project"

say() { printf '# %s\n' "$*"; }

say "APIs"
apis=(run cloudbuild artifactregistry secretmanager iam compute storage)
[ "$backend" = developer ] || apis+=(aiplatform)
[ "$valkey" = no ] || apis+=(memorystore networkconnectivity)
enabled=$(gcloud services list --enabled --format='value(config.name)' "${at[@]}")
missing=()
for api in "${apis[@]}"; do
  grep -qx "$api.googleapis.com" <<<"$enabled" || missing+=("$api.googleapis.com")
done
[ ${#missing[@]} -eq 0 ] || run gcloud services enable "${missing[@]}" "${at[@]}"

say "where images go, and where a build's source waits"
ensure "artifacts repositories" gateway "--location=$region" -- --repository-format=docker
ensure "storage buckets" "$bucket" -- "--location=$region" --uniform-bucket-level-access --public-access-prevention

say "who the core is, and who builds and deploys it"
ensure "iam service-accounts" "$core" -- "--display-name=The telephony gateway"
ensure "iam service-accounts" "$build" -- "--display-name=Builds and deploys the telephony gateway"
[ "$backend" = developer ] || grant "serviceAccount:$core" roles/aiplatform.user projects "$project"
grant "serviceAccount:$build" roles/logging.logWriter projects "$project"
grant "serviceAccount:$build" roles/run.developer projects "$project"
grant "serviceAccount:$build" roles/artifactregistry.writer "artifacts repositories" gateway "--location=$region"
grant "serviceAccount:$build" roles/storage.objectViewer "storage buckets" "$bucket"
grant "serviceAccount:$build" roles/iam.serviceAccountUser "iam service-accounts" "$core"

say "secrets, for the core alone"
secret twilio-auth-token TWILIO_AUTH_TOKEN
secret stream-secret random
[ "$backend" = vertex ] || secret google-api-key GOOGLE_API_KEY

say "a network, for Redis"
ensure "compute networks" gateway -- --subnet-mode=custom
ensure "compute networks subnets" gateway "--region=$region" -- --network=gateway --range=10.8.0.0/24

if [ "$valkey" = yes ]; then
  say "Memorystore for Valkey"
  network="projects/$project/global/networks/gateway"
  ensure "network-connectivity service-connection-policies" gateway "--region=$region" -- \
    "--network=$network" --service-class=gcp-memorystore \
    "--subnets=projects/$project/regions/$region/subnetworks/gateway"
  ensure "memorystore instances" gateway "--location=$region" -- --engine-version=VALKEY_8_0 --mode=cluster-disabled \
    --node-type=shared-core-nano --shard-count=1 --replica-count=0 --authorization-mode=auth-disabled \
    --transit-encryption-mode=transit-encryption-disabled "--psc-auto-connections=network=$network,projectId=$project"
fi

say "Twilio can't sign in to Google: whoever asks is let through, and the core checks Twilio's signature"
if there gcloud run services describe "$service" "--region=$region" "${at[@]}" --format=none; then
  grant allUsers roles/run.invoker "run services" "$service" "--region=$region"
else
  left+=("the service $service is not deployed yet: run this again after the first build, so that Twilio may reach it")
fi

for what in ${left[@]+"${left[@]}"}; do say "LEFT: $what"; done
case $todo/$apply in
  0/*) say "nothing to do" ;;
  */no) say "$todo commands would be run: --apply does it" ;;
  *) say "$todo commands were run" ;;
esac
