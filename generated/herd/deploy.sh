#!/usr/bin/env bash
# Makes this cluster: network beside images, then all machines; then waits until it is whole. pgherd does the same.
#
# What it needs: packer 1.8.1 or newer, or Debian 12's; terraform 1.11 or newer, the AWS CLI, curl; credentials where every AWS program looks for them.
#
#   ./deploy.sh          shows what Terraform would change, and asks, one thing after the other
#   ./deploy.sh --yes    nobody is asked, and what can be done side by side is; no database machine is replaced, destroyed
#                        or stopped even so
#
# It may be run again at any time: an image that exists is not built anew, and Terraform changes only what differs.
#
# Environment, all optional:
#   AWS_ACCESS_KEY, AWS_SECRET_KEY   taken where AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set
#   AWS_ENDPOINT_URL                 another API than AWS's own
#   MASTER_IP, SLAVE1_IP …, HAPROXY_IP   addresses of Elastic IPs that exist already, to give to the machines
#   PACKER_FLAGS                     more words for packer build, such as -var subnet_id=subnet-…
#   HAPROXY_ADDRESS                  where to reach HAProxy from here, if neither its Elastic IP nor its private address is
#   WAIT_SECONDS                     how long the cluster may take to become whole (default 600)
set -euo pipefail

# What the blueprint decided.
cluster=herd
region=eu-west-1
slaves=2
images=(master=herd-master-6cd1d5acabb1 slave=herd-slave-d5d20529df41 haproxy=herd-haproxy-a2f174f76e75)
haproxy_address=10.20.128.32
modules=(
  db_config/terraform_master/{cluster,lookup,main,outputs,provider,variables,versions}.tf
  db_config/terraform_slave/{cluster,lookup,main,outputs,provider,variables,versions}.tf
  load_balancer/terraform_haproxy/{cluster,lookup,main,outputs,provider,variables,versions}.tf
  network/terraform_network/{cluster,endpoint,iam,network,outputs,partition,provider,reservations,secrets,security_groups,traffic,user_secrets,variables,versions}.tf
)
states=''
write_port=5000 read_port=5001 admin_port=7000

cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '\n==> %s\n' "$*"; }
die() {
  printf 'deploy.sh: %s\n' "$*" >&2
  exit 1
}

# Variables that make the tools do something else than this script tells them to do: other arguments, another state, requests in
# the logs with the passwords in them.
clear_environment() {
  local name
  for name in $(compgen -e); do
    case $name in
      # Where providers and plugins come from, credentials for that, and the modules' own variables.
      TF_CLI_CONFIG_FILE | TF_PLUGIN_CACHE_DIR | TF_TOKEN_* | TF_REGISTRY_* | TF_APPEND_USER_AGENT | TF_ENCRYPTION) ;;
      TF_VAR_access_key | TF_VAR_secret_key | TF_VAR_region | TF_VAR_*_eip) ;;
      PACKER_CONFIG* | PACKER_PLUGIN_* | PACKER_GITHUB_API_TOKEN | PACKER_CACHE_DIR | PACKER_FLAGS) ;;
      TF_WORKSPACE)
        [[ -z ${!name} || ${!name} == default ]] || die "$name is ${!name}: this cluster's state is in the workspace default; unset it"
        ;;
      TF_VAR_ami_image_id)
        [[ -z ${!name} ]] || die "$name would boot the machines of every role from one image: unset it"
        ;;
      TF_VAR_* | TF_INPUT | TF_IN_AUTOMATION | PKR_VAR_* | PACKER_TMP_DIR | CHECKPOINT_*) unset "$name" ;;
      AWS_DEFAULT_OUTPUT | AWS_PAGER | AWS_CLI_AUTO_PROMPT | AWS_RETRY_MODE | AWS_MAX_ATTEMPTS) unset "$name" ;;
      TF_* | PACKER_* | AWS_DATA_PATH)
        say "$name is ignored: it changes what the tools do"
        unset "$name"
        ;;
    esac
  done
  export AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off
}

# Files beside the generated ones that would change what those mean.
refuse_strangers() {
  local file
  for file in */terraform_*/{override,*_override}.{tf,tf.json,tofu,tofu.json}; do
    [[ ! -e $file ]] || die "$file overrides what was generated: move it away"
  done
  for file in */terraform_*/.terraform/environment; do
    [[ ! -e $file || $(<"$file") == default ]] || die "$file chooses another workspace, and with it another state: remove it"
  done
  for file in */terraform_*/{terraform,*.auto}.{tfvars,tfvars.json}; do
    [[ -e $file ]] || continue
    # A backslash in JSON may spell the name otherwise.
    ! grep -qe ami_image_id -e '\\u' "$file" ||
      die "$file names ami_image_id: machines would not boot from their role's image; take that out, or pass -var to one module by hand"
    say "$file was not generated; Terraform takes values of variables from it"
  done
  for file in */terraform_*/*.{tf,tf.json,tofu,tofu.json}; do
    [[ ! -e $file || " ${modules[*]} " == *" $file "* || $file == */pgherd_import.tf ]] ||
      say "$file was not generated; Terraform reads it as part of the module"
  done
}

prepare() {
  clear_environment
  refuse_strangers
  # OpenTofu does as well.
  if ! command -v terraform >/dev/null && command -v tofu >/dev/null; then
    terraform() { tofu "$@"; }
  fi
  local tool
  for tool in packer terraform aws curl; do
    command -v "$tool" >/dev/null || die "$tool is not installed"
  done

  # The names that this repository has always used. Packer and Terraform read them too; the AWS CLI does not.
  if [[ -z ${AWS_ACCESS_KEY_ID:-} && -n ${AWS_ACCESS_KEY:-} ]]; then
    export AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY AWS_SECRET_ACCESS_KEY=${AWS_SECRET_KEY:-}
  fi
  # The cluster's zones and addresses belong to its region.
  if [[ -n ${AWS_REGION:-} && $AWS_REGION != "$region" ]]; then
    die "AWS_REGION is $AWS_REGION, but cluster $cluster lives in $region"
  fi
  export AWS_REGION=$region AWS_DEFAULT_REGION=$region

  export TF_VAR_master_eip=${MASTER_IP:-} TF_VAR_haproxy_eip=${HAPROXY_IP:-}
  local i variable
  for ((i = 1; i <= slaves; i++)); do
    variable=SLAVE${i}_IP
    export "TF_VAR_slave${i}_eip=${!variable:-}"
  done

  # Terraform would get its provider, 700 MB, for each module anew. Where somebody keeps one already, that stays.
  if [[ -z ${TF_PLUGIN_CACHE_DIR:-} ]] && ! grep -qs plugin_cache_dir "${TF_CLI_CONFIG_FILE:-${HOME:-}/.terraformrc}"; then
    export TF_PLUGIN_CACHE_DIR=$PWD/.pgherd/plugins
    mkdir -p "$TF_PLUGIN_CACHE_DIR"
  fi

  aws sts get-caller-identity --output text >/dev/null || die "AWS does not take the credentials"
}

# Runs commands side by side, each line with the name of what it is about; one after the other where someone is asked.
together() {
  local command job failed=
  for command in "$@"; do
    if [[ $ask == no ]]; then
      $command 2>&1 | sed -u "s|^|${command##*[ _]}: |" &
    else
      $command
    fi
  done
  for job in $(jobs -p); do
    wait "$job" || failed=yes
  done
  [[ -z $failed ]] || die "stopped: see the error above. What is done stays done; run it again when that is mended"
}

# Says what a saved plan does to machines, which Terraform itself reads from the plan's JSON in a folder of its own: what a plan
# prints is for people. What is not understood is not done.
judge_plan() {
  cat >"$1/judge.tf" <<'EOF'
locals {
  plan    = jsondecode(file("plan.json"))
  changes = [for change in local.plan.resource_changes : change if change.mode == "managed"]

  understood = alltrue([
    startswith(local.plan.format_version, "1."),
    !try(local.plan.errored, false),
    try(local.plan.complete, true),
    length(try(local.plan.deferred_changes, [])) == 0,
    length(try(local.plan.action_invocations, [])) == 0,
    length(setsubtract(flatten(local.changes[*].change.actions), ["no-op", "create", "update", "delete", "forget"])) == 0,
  ])

  # Attributes of an instance that change while it runs, or that nobody sets. Any other may stop it.
  harmless = [
    "credit_specification", "disable_api_stop", "disable_api_termination", "iam_instance_profile",
    "instance_initiated_shutdown_behavior", "maintenance_options", "metadata_options", "monitoring",
    "root_block_device", "secondary_private_ips", "security_groups", "source_dest_check", "tags", "tags_all",
    "volume_tags", "vpc_security_group_ids", "force_destroy", "get_password_data", "timeouts",
    "user_data_replace_on_change", "arn", "associate_public_ip_address", "id", "instance_lifecycle", "instance_state",
    "outpost_arn", "password_data", "primary_network_interface_id", "private_dns", "public_dns", "public_ip",
    "spot_instance_request_id", "region",
  ]
  updates = [for change in local.changes : change if change.type == "aws_instance" && contains(change.change.actions, "update")]
  stopped = [for update in local.updates : update.address if length(setsubtract([
    for name in setunion(keys(update.change.before), keys(update.change.after), keys(update.change.after_unknown)) : name
    if jsonencode(try(update.change.before[name], null)) != jsonencode(try(update.change.after[name], null))
    || strcontains(jsonencode(try(update.change.after_unknown[name], null)), "true")
  ], local.harmless)) > 0]
  gone = [
    for change in local.changes : change.address
    if contains(["aws_instance", "aws_ebs_volume", "aws_volume_attachment"], change.type)
    && length(setintersection(change.change.actions, ["delete", "forget"])) > 0
  ]

  of_haproxy = "^[a-z_]+[.]haproxy"
  verdict = !local.understood ? "strange" : join(";", [
    join(" ", [for address in local.gone : address if !can(regex(local.of_haproxy, address))]),
    join(" ", [for address in local.stopped : address if !can(regex(local.of_haproxy, address))]),
    join(" ", [for address in concat(local.gone, local.stopped) : address if can(regex(local.of_haproxy, address))]),
  ])
}
EOF
  # Where it cannot, it says so at length, and of this file: who calls this says what matters.
  terraform -chdir="$1" console <<<local.verdict 2>/dev/null
}

# Where Terraform noted that a module's state is: nothing where that is beside the module. A backend that no blueprint makes is told
# by its type.
noted_state() {
  mkdir -p "$scratch/noted"
  cp "$1" "$scratch/noted/record.json"
  cat >"$scratch/noted/noted.tf" <<'EOF'
locals {
  backend = lookup(jsondecode(file("record.json")), "backend", null)
  kind    = local.backend == null ? "local" : local.backend.type
  moved   = local.kind == "local" && try(local.backend.config.path, null) != null
  place   = local.kind == "s3" ? try("s3://${local.backend.config.bucket}/${local.backend.config.key}", "s3") : local.kind
  noted   = local.moved ? local.backend.config.path : local.place == "local" ? "" : local.place
}
EOF
  terraform -chdir="$scratch/noted" console <<<local.noted 2>/dev/null
}

# A state that is elsewhere than the blueprint says by now: without it everything would be made a second time, and that is what
# Terraform's own hint, `-reconfigure`, comes to.
require_states() {
  local module record wanted noted pattern='^"([^"]*)"$'
  for module in */terraform_*; do
    record=$module/.terraform/terraform.tfstate wanted=${states:+$states/${module##*/}.tfstate} noted=
    if [[ -e $record ]]; then
      noted=$(noted_state "$record") || die "$record cannot be read: it notes where the state of $module is"
      [[ $noted =~ $pattern ]] || die "$record is not understood: it notes where the state of $module is"
      noted=${BASH_REMATCH[1]}
    fi
    if [[ -n $noted || -s $module/terraform.tfstate ]] && [[ $noted != "$wanted" ]]; then
      die "the state of $module is in ${noted:-terraform.tfstate there}, and the blueprint keeps it in ${wanted:-terraform.tfstate there}: \
\`pgherd run\` moves it; by hand, keep a copy of it, then \`terraform -chdir=$module init -migrate-state\`; not -reconfigure, which forgets it"
    fi
  done
}

# Shows what a module would change, and does just that once someone agrees.
apply_module() {
  local work=$scratch/${1##*/} checksums=network/terraform_network/.terraform.lock.hcl verdict gone stopped cut agreed
  local plan=$work/tfplan pattern='^"([^;]*);([^;]*);([^;]*)"$'
  mkdir "$work"
  say "terraform: $1"
  # The network is the first, and its checksums are what lets the others take the provider that it got.
  if [[ -e $checksums && ! -e $1/.terraform.lock.hcl ]]; then
    cp "$checksums" "$1/"
  fi
  terraform -chdir="$1" init -input=false
  terraform -chdir="$1" plan -input=false -out="$plan"
  terraform -chdir="$1" show -json "$plan" >"$work/plan.json"
  verdict=$(judge_plan "$work") || die "the plan of $1 cannot be read: nothing was changed there"
  [[ $verdict =~ $pattern ]] || die "the plan of $1 is not understood: nothing was changed there"
  gone=${BASH_REMATCH[1]//\\/} stopped=${BASH_REMATCH[2]//\\/} cut=${BASH_REMATCH[3]//\\/}
  # A database's disk goes with its machine: whoever wants that says so to Terraform, a machine at a time.
  [[ -z $gone ]] || die "the data of these machines would go with them: $gone; see README.md on how to replace one"
  [[ -z $stopped ]] || say "this stops these database machines and starts them again, all at once: $stopped"
  [[ -z $stopped || $ask == yes ]] ||
    die "nobody is asked, so they are not stopped: run it without --yes, or apply one at a time with -target, each while it is a standby"
  [[ -z $cut ]] || say "this cuts clients off until HAProxy is back: $cut"
  if [[ $ask == yes ]]; then
    read -r -p "Do that in $1? Only 'yes' is taken: " agreed ||
      die "nobody answers, and nothing was changed in $1: run it in a terminal, or with --yes, which asks nobody"
    [[ $agreed == yes ]] || die "stopped; nothing was changed in $1"
  fi
  terraform -chdir="$1" apply -input=false "$plan"
}

# Packer must prove who it is with SHA-2: the machines' SSH servers refuse SHA-1. HashiCorp's does from 1.8.1 on; of 1.6.6 only the
# package of Debian 12, whose SSH library knows of `server-sig-algs`.
check_packer() {
  local version
  version=$(packer version | sed -n 's/^Packer v\([0-9.]*\).*/\1/p')
  if [[ $(printf '%s\n' 1.8.1 "$version" | sort -V | head -n 1) == 1.8.1 ]]; then
    packer_is=released
  elif [[ $version == 1.6.6 ]] && grep -q server-sig-algs "$(type -P packer)"; then
    packer_is=rebuilt
  else
    die "packer ${version:-of an unknown version} does not do: get 1.8.1 or newer, or that of Debian 12"
  fi
}

# Packer's amazon plugin is part of Debian's, and may have to be installed elsewhere. From 1.1.0 on it signs with SHA-2.
install_plugin() {
  local newest
  [[ $packer_is == released ]] || return 0
  newest=$(packer plugins installed | sed -n 's/.*packer-plugin-amazon_v\([0-9.]*\).*/\1/p' | sort -V | tail -n 1)
  if [[ $(printf '%s\n' 1.1.0 "$newest" | sort -V | head -n 1) != 1.1.0 ]]; then
    packer plugins install github.com/hashicorp/amazon
  fi
}

# The template for a role's image. Debian's Packer refuses words that it does not know; any other makes the builder's metadata service
# ask for tokens, too.
template() {
  local template=packer_templates/${1}_temp.json options
  if [[ $packer_is == released ]]; then
    options='"metadata_options": {"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},'
    sed "s|^ *\"type\": \"amazon-ebs\",$|&\n$options|" "$template" >"$scratch/${1}_temp.json"
    template=$scratch/${1}_temp.json
  fi
  printf '%s\n' "$template"
}

build_image() {
  local name=$1 role=$2 found
  found=$(aws ec2 describe-images --owners self --output text --query 'Images[0].ImageId' \
    --filters "Name=name,Values=$name" "Name=tag:pgherd:content,Values=${name##*-}" Name=state,Values=available)
  if [[ $found == ami-* ]]; then
    say "image $name exists: $found"
    return
  fi
  say "packer: $name"
  local words
  read -ra words <<<"build ${PACKER_FLAGS:-}"
  packer "${words[@]}" "$(template "$role")"
}

# Patroni's view of the cluster through HAProxy, which answers only once it knows a live member.
is_whole() {
  local members code
  code=$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' "http://$1:$admin_port/health") ||
    return 1
  seen=yes
  [[ $code == 200 ]] || return 1
  members=$(curl --fail --silent --max-time 5 "http://$1:$admin_port/cluster") || return 1
  # Addresses are private: another cluster may have the same ones in the network that this machine is in.
  if [[ $members =~ \"scope\":\ *\"([^\"]*)\" && ${BASH_REMATCH[1]} != "$cluster" ]]; then
    die "${BASH_REMATCH[1]} answers at http://$1:$admin_port, not $cluster: run this from the network of $cluster"
  fi
  [[ $(grep -oE '"role": *"leader"' <<<"$members" | wc -l) -eq 1 ]] &&
    [[ $(grep -oE '"state": *"streaming"' <<<"$members" | wc -l) -eq $slaves ]]
}

verify() {
  local address=${HAPROXY_ADDRESS:-} deadline=$((SECONDS + ${WAIT_SECONDS:-600}))
  if [[ -z $address ]]; then
    address=$(terraform -chdir=load_balancer/terraform_haproxy output -json public_address 2>/dev/null | tr -d '"') || true
    [[ $address =~ ^[0-9.]+$ ]] || address=$haproxy_address
  fi
  local seen=no
  say "waiting for one primary and $slaves streaming standbys, at http://$address:$admin_port"
  until is_whole "$address"; do
    if ((SECONDS >= deadline)); then
      [[ $seen == yes ]] || die "everything is made, and not verified: http://$address:$admin_port does not answer here. It may be \
reached only from inside the network and by the blueprint's admins"
      die "the cluster is not whole. Look at http://$address:$admin_port/cluster"
    fi
    sleep 3
  done
  say "cluster $cluster is up: writes on $address:$write_port, reads on $address:$read_port"
}

main() {
  case "${1:-}" in
    --yes) ask=no ;;
    '') ask=yes ;;
    *) die "usage: ./deploy.sh [--yes]" ;;
  esac

  prepare
  # A plan holds what Terraform knows: it is nobody else's, and goes when this ends.
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  require_states
  check_packer
  install_plugin
  local image stages=("apply_module network/terraform_network")
  for image in "${images[@]}"; do
    stages+=("build_image ${image#*=} ${image%%=*}")
  done
  together "${stages[@]}"
  stages=("apply_module db_config/terraform_master" "apply_module load_balancer/terraform_haproxy")
  if ((slaves > 0)); then
    stages+=("apply_module db_config/terraform_slave")
  fi
  together "${stages[@]}"
  verify
}

main "$@"
