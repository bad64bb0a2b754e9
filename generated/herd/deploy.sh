#!/usr/bin/env bash
# Makes this cluster without pgherd: the network and the images, then all machines. Then it waits until the cluster is healthy.
#
# It needs packer 1.8.1 or newer (or Debian 12's), terraform 1.11 or newer, the AWS CLI and curl,
# and credentials where every AWS program looks for them.
#
#   ./deploy.sh          shows what Terraform would change, and asks before each module
#   ./deploy.sh --yes    asks nobody, and does in parallel what it can; it still refuses to replace, destroy or stop a
#                        database machine
#
# It can be run again at any time: an image that exists is not built again, and Terraform changes only what differs.
#
# Environment, all optional:
#   AWS_ACCESS_KEY, AWS_SECRET_KEY   used if AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set
#   AWS_ENDPOINT_URL                 the URL of another API than AWS's own
#   MASTER_IP, SLAVE1_IP …, HAPROXY_IP …  addresses of existing Elastic IPs to give to the machines
#   PACKER_FLAGS                     more arguments for packer build, such as -var subnet_id=subnet-…
#   HAPROXY_ADDRESS …                where each HAProxy is reached from here (default: its Elastic IP, else its private address)
#   WAIT_SECONDS                     how long the cluster may take to become healthy (default 600)
set -euo pipefail

# The blueprint's values.
cluster=herd
region=eu-west-1
slaves=2
databases='master slave1 slave2'
etcd='master slave1 slave2'
images=(master=herd-master-ff56ecffa4a1 slave=herd-slave-de080502de00 haproxy=herd-haproxy-7b4d6573bd46)
# Each HAProxy's name and private address.
haproxies=(haproxy=10.20.128.32 haproxy2=10.20.64.32)
modules=(
  db_config/terraform_master/{cluster,lookup,main,outputs,provider,variables,versions}.tf
  db_config/terraform_slave/{cluster,lookup,main,outputs,provider,variables,versions}.tf
  load_balancer/terraform_haproxy/{cluster,lookup,main,moved,outputs,provider,variables,versions}.tf
  network/terraform_network/{cluster,endpoint,founded,iam,network,outputs,partition,provider,reservations,secrets,security_groups,traffic,user_secrets,variables,versions}.tf
)
states=''
write_port=5000 read_port=5001
admin_scheme=http admin_port=7000
# Whether one of several HAProxies was replaced by itself.
rolled=no

cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '\n==> %s\n' "$*"; }
die() {
  printf 'deploy.sh: %s\n' "$*" >&2
  exit 1
}

# Unsets variables that change what the tools do: other arguments, another state, or requests with passwords in the logs.
clear_environment() {
  local name
  for name in $(compgen -e); do
    case $name in
      # These say where providers and plugins come from, or are the modules' own variables.
      TF_CLI_CONFIG_FILE | TF_PLUGIN_CACHE_DIR | TF_TOKEN_* | TF_REGISTRY_* | TF_APPEND_USER_AGENT | TF_ENCRYPTION) ;;
      TF_VAR_access_key | TF_VAR_secret_key | TF_VAR_region | TF_VAR_*_eip) ;;
      PACKER_CONFIG* | PACKER_PLUGIN_* | PACKER_GITHUB_API_TOKEN | PACKER_CACHE_DIR | PACKER_FLAGS) ;;
      TF_WORKSPACE)
        [[ -z ${!name} || ${!name} == default ]] || die "$name is ${!name}: this cluster's state is in the workspace default. Unset it"
        ;;
      TF_VAR_ami_image_id)
        [[ -z ${!name} ]] || die "$name would boot the machines of every role from one image. Unset it"
        ;;
      TF_VAR_* | TF_INPUT | TF_IN_AUTOMATION | PKR_VAR_* | PACKER_TMP_DIR | CHECKPOINT_*) unset "$name" ;;
      AWS_DEFAULT_OUTPUT | AWS_PAGER | AWS_CLI_AUTO_PROMPT | AWS_RETRY_MODE | AWS_MAX_ATTEMPTS) unset "$name" ;;
      TF_* | PACKER_* | AWS_DATA_PATH)
        say "$name is ignored, because it changes what the tools do"
        unset "$name"
        ;;
    esac
  done
  export AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off
}

# Refuses files that would change what the generated ones mean.
refuse_strangers() {
  local file
  for file in */terraform_*/{override,*_override}.{tf,tf.json,tofu,tofu.json}; do
    [[ ! -e $file ]] || die "$file overrides the generated files. Move it away"
  done
  for file in */terraform_*/.terraform/environment; do
    [[ ! -e $file || $(<"$file") == default ]] || die "$file selects another workspace, and so another state. Remove it"
  done
  for file in */terraform_*/{terraform,*.auto}.{tfvars,tfvars.json}; do
    [[ -e $file ]] || continue
    # In JSON, a backslash may spell the name in another way.
    ! grep -qe ami_image_id -e '\\u' "$file" ||
      die "$file sets ami_image_id, so machines would not boot from their role's image. Remove that, or pass -var to one module by hand"
    say "$file was not generated, but Terraform takes values of variables from it"
  done
  for file in */terraform_*/*.{tf,tf.json,tofu,tofu.json}; do
    [[ ! -e $file || " ${modules[*]} " == *" $file "* || $file == */pgherd_import.tf ]] ||
      say "$file was not generated, but Terraform reads it as part of the module"
  done
}

prepare() {
  clear_environment
  refuse_strangers
  # OpenTofu works, too.
  if ! command -v terraform >/dev/null && command -v tofu >/dev/null; then
    terraform() { tofu "$@"; }
  fi
  local tool
  for tool in packer terraform aws curl; do
    command -v "$tool" >/dev/null || die "$tool is not installed"
  done

  # Packer and Terraform also read credentials by these older names. The AWS CLI does not.
  if [[ -z ${AWS_ACCESS_KEY_ID:-} && -n ${AWS_ACCESS_KEY:-} ]]; then
    export AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY AWS_SECRET_ACCESS_KEY=${AWS_SECRET_KEY:-}
  fi
  # The cluster's zones and addresses belong to its region.
  if [[ -n ${AWS_REGION:-} && $AWS_REGION != "$region" ]]; then
    die "AWS_REGION is $AWS_REGION, but cluster $cluster is in $region"
  fi
  export AWS_REGION=$region AWS_DEFAULT_REGION=$region

  local machine variable
  for machine in $databases "${haproxies[@]%%=*}"; do
    variable=${machine^^}_IP
    export "TF_VAR_${machine}_eip=${!variable:-}"
  done

  # Without a cache, Terraform downloads its provider (700 MB) for each module. A cache that is already set up is kept.
  if [[ -z ${TF_PLUGIN_CACHE_DIR:-} ]] && ! grep -qs plugin_cache_dir "${TF_CLI_CONFIG_FILE:-${HOME:-}/.terraformrc}"; then
    export TF_PLUGIN_CACHE_DIR=$PWD/.pgherd/plugins
    mkdir -p "$TF_PLUGIN_CACHE_DIR"
  fi

  aws sts get-caller-identity --output text >/dev/null || die "AWS rejects the credentials; see the error above"
}

# Runs commands in parallel and prefixes each line of output; one after the other if somebody is asked.
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
  [[ -z $failed ]] || die "stopped, see the error above. What is done stays done: fix the error and run this again"
}

# Says what a saved plan does to machines. Terraform itself reads that from the plan's JSON, in a folder of its own, because the
# plan's text is for people. A plan that is not understood is refused.
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

  # Attributes of an instance that can change while it runs, or that nobody sets. A change of any other may stop it.
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
    join(" ", [for change in local.changes : change.address
    if change.type == "aws_instance" && change.change.actions == ["create"] && can(regex(local.of_haproxy, change.address))]),
  ])
}
EOF
  # On failure, Terraform prints much about this file. The caller says what matters.
  terraform -chdir="$1" console <<<local.verdict 2>/dev/null
}

# Prints where Terraform recorded a module's state: nothing if it is beside the module, and the type of a backend that no
# blueprint makes.
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

# Refuses to run if a state is not where the blueprint says: without it, Terraform would make everything a second time. So does its
# own advice, `-reconfigure`.
require_states() {
  local module record wanted noted pattern='^"([^"]*)"$'
  for module in */terraform_*; do
    record=$module/.terraform/terraform.tfstate wanted=${states:+$states/${module##*/}.tfstate} noted=
    if [[ -e $record ]]; then
      noted=$(noted_state "$record") || die "$record cannot be read. It records where the state of $module is"
      [[ $noted =~ $pattern ]] || die "$record is not understood. It records where the state of $module is"
      noted=${BASH_REMATCH[1]}
    fi
    if [[ -n $noted || -s $module/terraform.tfstate ]] && [[ $noted != "$wanted" ]]; then
      die "the state of $module is in ${noted:-terraform.tfstate there}, but the blueprint keeps it in ${wanted:-terraform.tfstate there}. \
\`pgherd run\` moves it. By hand: copy it to a safe place, then run \`terraform -chdir=$module init -migrate-state\`. Do not use -reconfigure, which forgets it"
    fi
  done
}

# Refuses to change which machines belong to a living cluster: etcd keeps the members that it was founded with, and a machine that
# leaves may be the primary. Each machine has the names of all databases and of etcd's members in its tags.
require_members() {
  local machines name its_databases its_etcd unrecorded='' recorded=no
  machines=$(aws ec2 describe-instances --output text \
    --filters "Name=tag:pgherd:cluster,Values=$cluster/$region" Name=tag-key,Values=pgherd:machine \
    Name=instance-state-name,Values=pending,running,stopping,stopped \
    --query "Reservations[].Instances[].[Tags[?Key=='pgherd:machine']|[0].Value, Tags[?Key=='pgherd:databases']|[0].Value, \
Tags[?Key=='pgherd:etcd']|[0].Value]") || die "AWS does not say which machines of $cluster exist"
  while IFS=$'\t' read -r name its_databases its_etcd; do
    if [[ -z $name ]]; then
      continue
    elif [[ $its_databases == None || $its_etcd == None ]]; then
      # An earlier version created it.
      [[ $name == haproxy ]] || unrecorded+="${unrecorded:+ }$name"
    elif [[ $its_databases != "$databases" || $its_etcd != "$etcd" ]]; then
      die "$name belongs to a living cluster of other machines (databases: $its_databases; etcd: $its_etcd), not of $databases (etcd: \
$etcd). Set the number of slaves back, or see \"Change the number of slaves\" in RUNBOOK.md. Nothing was changed"
    else
      recorded=yes
    fi
  done <<<"$machines"
  [[ -n $unrecorded && $recorded == no ]] || return 0
  [[ $(tr ' ' '\n' <<<"$unrecorded" | sort) == "$(tr ' ' '\n' <<<"$databases" | sort)" ]] ||
    die "the databases $unrecorded exist and do not record whether others belong to the cluster; this would make $databases. \
\`pgherd run\` says what to do. Nothing was changed"
}

# Refuses to cut clients off from a HAProxy while they may need it: another one of the blueprint has to serve them meanwhile.
require_another() {
  local machine code deadline=$((SECONDS + ${WAIT_SECONDS:-600}))
  # One that serves nobody can be replaced at any time.
  code=$(health "$(address_of "$1")") || code=none
  if [[ $code == 503 ]]; then
    return
  fi
  while true; do
    for machine in "${haproxies[@]%%=*}"; do
      if [[ $machine != "$1" && $(health "$(address_of "$machine")") == 200 ]]; then
        return
      fi
    done
    ((SECONDS < deadline)) || die "no other HAProxy responds as healthy, so $1 was not changed: clients would be left without one. Run this \
where the admin ports are reachable, or apply by hand, one HAProxy after the other (see main.tf)"
    sleep 3
  done
}

# Shows what a module would change, and applies exactly that once somebody agrees. More arguments are addresses: only these are
# planned.
apply_module() {
  local module=$1 work=$scratch/${1##*/} checksums=network/terraform_network/.terraform.lock.hcl verdict gone stopped cut new agreed
  local plan=$work/tfplan pattern='^"([^;]*);([^;]*);([^;]*);([^;]*)"$' first
  shift
  mkdir -p "$work"
  say "terraform: $module"
  # The network is first. With its checksums, the other modules use the same provider.
  if [[ -e $checksums && ! -e $module/.terraform.lock.hcl ]]; then
    cp "$checksums" "$module/"
  fi
  terraform -chdir="$module" init -input=false
  terraform -chdir="$module" plan -input=false -out="$plan" "$@"
  terraform -chdir="$module" show -json "$plan" >"$work/plan.json"
  verdict=$(judge_plan "$work") || die "the plan of $module cannot be read. Nothing was changed there"
  [[ $verdict =~ $pattern ]] || die "the plan of $module is not understood. Nothing was changed there"
  gone=${BASH_REMATCH[1]//\\/} stopped=${BASH_REMATCH[2]//\\/} cut=${BASH_REMATCH[3]//\\/} new=${BASH_REMATCH[4]//\\/}
  # A database's disk is deleted with its machine. That needs an explicit terraform command, for one machine at a time.
  [[ -z $gone ]] || die "this would delete the data of these machines: $gone. RUNBOOK.md says how to replace one"
  [[ -z $stopped ]] || say "this stops and starts these database machines, all at once: $stopped"
  [[ -z $stopped || $ask == yes ]] ||
    die "--yes does not stop database machines. Run this without --yes, or apply one at a time with -target, each while it is a standby"
  [[ -z $cut ]] || say "clients are cut off from these HAProxies until they are back: $cut"
  # Clients always have one: first a new one, or one of several, by itself; then the other with the rest of the plan.
  first=$new${new:+${cut:+ }}$cut
  if [[ -n $cut && $first == *' '* ]]; then
    [[ $rolled == no ]] || die "the plan of $module changes both HAProxies again: $cut. Nothing more was changed there"
    first=${first%% *} rolled=yes
    apply_module "$module" "-target=$first" "-target=aws_eip_association.${first#*.}"
    apply_module "$module"
    return
  fi
  # The only one has no other to wait for. One that leaves waits until the one that stays is healthy.
  if [[ -n $cut && $cut != *"[\"${haproxies[*]%%=*}\"]" ]]; then
    pattern='\["(.+)"\]$'
    [[ $cut =~ $pattern ]] || die "the HAProxy $cut has no name. Nothing was changed in $module"
    require_another "${BASH_REMATCH[1]}"
  fi
  if [[ $ask == yes ]]; then
    read -r -p "Apply this in $module? Only 'yes' is accepted: " agreed ||
      die "there is no terminal to ask in. Nothing was changed in $module. Run this in a terminal, or with --yes"
    [[ $agreed == yes ]] || die "stopped. Nothing was changed in $module"
  fi
  terraform -chdir="$module" apply -input=false "$plan"
}

# Packer must sign with SHA-2, because the machines' SSH servers refuse SHA-1. HashiCorp's builds do from 1.8.1 on. Of 1.6.6 only
# Debian 12's package does: its SSH library knows `server-sig-algs`.
check_packer() {
  local version
  version=$(packer version | sed -n 's/^Packer v\([0-9.]*\).*/\1/p')
  if [[ $(printf '%s\n' 1.8.1 "$version" | sort -V | head -n 1) == 1.8.1 ]]; then
    packer_is=released
  elif [[ $version == 1.6.6 ]] && grep -q server-sig-algs "$(type -P packer)"; then
    packer_is=rebuilt
  else
    die "packer ${version:-of an unknown version} is too old. Install 1.8.1 or newer, or Debian 12's package"
  fi
}

# Debian's Packer contains the amazon plugin; others may need it installed. From 1.1.0 on it signs with SHA-2.
install_plugin() {
  local newest
  [[ $packer_is == released ]] || return 0
  newest=$(packer plugins installed | sed -n 's/.*packer-plugin-amazon_v\([0-9.]*\).*/\1/p' | sort -V | tail -n 1)
  if [[ $(printf '%s\n' 1.1.0 "$newest" | sort -V | head -n 1) != 1.1.0 ]]; then
    packer plugins install github.com/hashicorp/amazon
  fi
}

# Prints the path of the template for a role's image. Debian's Packer rejects options that it does not know. With any other, the
# builder's metadata service requires tokens, too.
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

# Prints where a HAProxy is reached from here.
address_of() {
  local variable=${1^^}_ADDRESS pattern="\"$1\": *\"([0-9.]+)\"" machine
  if [[ -n ${!variable:-} ]]; then
    printf '%s\n' "${!variable}"
  elif [[ $(terraform -chdir=load_balancer/terraform_haproxy output -json public_addresses 2>/dev/null) =~ $pattern ]]; then
    printf '%s\n' "${BASH_REMATCH[1]}"
  else
    for machine in "${haproxies[@]}"; do
      [[ ${machine%%=*} != "$1" ]] || printf '%s\n' "${machine#*=}"
    done
  fi
}

# Prints the status with which the HAProxy at an address says how it is: 200 while it has a primary. Fails without a response.
health() {
  curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' "$admin_scheme://$1:$admin_port/health"
}

# Asks Patroni through the HAProxy at an address whether the cluster is healthy.
is_healthy() {
  local members code
  code=$(health "$1") || return 1
  seen=yes
  [[ $code == 200 ]] || return 1
  members=$(curl --fail --silent --max-time 5 "$admin_scheme://$1:$admin_port/cluster") || return 1
  # Addresses are private: this machine may be in the network of another cluster with the same ones.
  if [[ $members =~ \"scope\":\ *\"([^\"]*)\" && ${BASH_REMATCH[1]} != "$cluster" ]]; then
    die "$admin_scheme://$1:$admin_port is cluster ${BASH_REMATCH[1]}, not $cluster. Run this from the network of $cluster"
  fi
  [[ $(grep -oE '"role": *"leader"' <<<"$members" | wc -l) -eq 1 ]] &&
    [[ $(grep -oE '"state": *"streaming"' <<<"$members" | wc -l) -eq $slaves ]]
}

verify() {
  local haproxy address seen deadline=$((SECONDS + ${WAIT_SECONDS:-600})) up=''
  for haproxy in "${haproxies[@]%%=*}"; do
    address=$(address_of "$haproxy") seen=no
    say "waiting for one primary and $slaves streaming standbys at $admin_scheme://$address:$admin_port"
    until is_healthy "$address"; do
      if ((SECONDS >= deadline)); then
        [[ $seen == yes ]] || die "created, but not verified: $admin_scheme://$address:$admin_port is unreachable from here. Only the network and the \
blueprint's admins can reach it"
        die "the cluster is not healthy. See $admin_scheme://$address:$admin_port/cluster"
      fi
      sleep 3
    done
    up+="${up:+; }writes on $address:$write_port, reads on $address:$read_port"
  done
  say "cluster $cluster is up: $up"
}

main() {
  case "${1:-}" in
    --yes) ask=no ;;
    '') ask=yes ;;
    *) die "usage: ./deploy.sh [--yes]" ;;
  esac

  prepare
  # Plans contain what Terraform knows. Only this user can read them, and they are deleted at the end.
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  require_states
  require_members
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
