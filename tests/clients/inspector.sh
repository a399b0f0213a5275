#!/usr/bin/env bash
# Drives the server with the command line of the MCP Inspector, which cannot show a form, in both protocol eras.
#
#   inspector.sh BINARY FOLDER_OF_NODE_MODULES MCP_JSON
#
# `run` installs the Inspector and starts this. One "ok" or "not ok" line for each check; 1 when one failed.
set -euo pipefail

binary=$1
modules=$2/node_modules
mcp_json=$3

node=$(find "$modules" -path '*/node-*/bin/node' -type f | head -n 1)
if [ -n "$node" ]; then PATH=$(dirname "$node"):$PATH; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$binary" "$work/bin/skyswitch"
export PATH=$work/bin:$PATH MCP_INSPECTOR_SECRET_STORE=memory
# Nothing that the person at the terminal has set may reach the servers.
for variable in "${!SKYSWITCH_@}" "${!XDG_@}"; do unset "$variable"; done
failures=0

# Runs the Inspector with an empty home folder; leaves its exit code in $code and what it printed in $work/out and err.
inspect() {
  code=0
  rm -rf "${work:?}/home"
  mkdir "$work/home"
  HOME=$work/home timeout 60 node "$modules/.bin/inspector" --cli --format json -q "$@" \
    >"$work/out" 2>"$work/err" </dev/null || code=$?
}

sandbox() { # OPTIONS...: the sandbox server in the era of $era, in a process of its own
  inspect --protocol-era "$era" -e SKYSWITCH_STATE_DIR="$work/home/state" -e SKYSWITCH_APPROVAL_WAIT=0 "$@" -- "$binary" mcp --sandbox
}

call() { # TOOL ARGUMENTS
  sandbox --method tools/call --tool-name "$1" --tool-args-json "$2"
}

# Prints what the JavaScript EXPRESSION makes of the answer; `content` is its structured content.
answer() { # EXPRESSION
  node -e '
    const { result } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    console.log(Function("result", "content", `return ${process.argv[2]}`)(result, result.structuredContent));
  ' "$work/out" "$1"
}

check() { # NAME EXPECTED_CODE EXPRESSION
  local said
  if [ "$code" = "$2" ] && said=$(answer "$3" 2>&1) && [ "$said" = true ]; then
    echo "ok - inspector $1"
    return
  fi
  echo "not ok - inspector $1"
  failures=$((failures + 1))
  {
    echo "exit code $code, expected $2; expected of the answer: $3; got: ${said:-nothing}"
    head -c 2000 "$work/out"
    echo
    head -c 2000 "$work/err"
  } | sed 's/^/#   /'
}

all_tools='result.tools.map(tool => tool.name).join()
  === "add_vip,explain_call,list_changes,list_destinations,list_domains,list_numbers,list_vips,mark_setup_step,"
    + "onboard_domain,onboarding_status,remove_vip,route_number,setup_checklist,sync_vips,undo_change"'
bakery=sunrisebakery.12345.service
dentist=lakesidedental.12345.service

for era in legacy modern; do
  version=2025-11-25
  if [ "$era" = modern ]; then version=2026-07-28; fi

  sandbox --method initialize
  check "$era: initialize" 0 "result.protocolVersion === '$version' && result.serverInfo.name.includes('skyswitch')"

  sandbox --method tools/list --strict
  check "$era: tools/list --strict" 0 "$all_tools"
  # A warning leaves the exit code at 0, so what counts is that nothing was said.
  if [ -s "$work/err" ]; then code="0 with findings"; fi
  check "$era: tools/list --strict has no findings" 0 true

  call list_domains '{}'
  check "$era: list_domains" 0 \
    "content.domains.some(row => row.domain === '$bakery') && content.count === content.domains.length"

  call setup_checklist "{\"domain\":\"$bakery\"}"
  check "$era: setup_checklist" 0 \
    "content.domain === '$bakery' && typeof content.ready === 'boolean' && content.steps.map(step => step.id).join()
      === 'create_domain,dial_translation_rule,route_by_ani_user,route_did,manage_vips'"

  call list_vips "{\"domain\":\"$dentist\",\"limit\":\"2\"}"
  check "$era: list_vips with a limit given as text" 0 \
    "content.vips.length === 2 && content.total > 2 && typeof content.next_cursor === 'string'"

  call list_vips "{\"domain\":\"$dentist\"}"
  check "$era: list_vips" 0 \
    "content.count === content.vips.length && content.vips.every(row => row.domain === '$dentist')"
  ani=$(answer "content.vips.map(row => row.ani).find((ani, _, all) =>
    /^1[0-9]{10}\$/.test(ani) && all.filter(other => other.slice(-10) === ani.slice(-10)).length === 1)" 2>&1 || true)

  call add_vip "{\"ani\":\"6165550177\",\"domain\":\"$bakery\",\"destination\":\"101\"}"
  check "$era: add_vip creates" 0 \
    "content.status === 'created' && content.vip.ani === '16165550177' && content.vip.destination === '101'"

  call remove_vip "{\"ani\":\"$ani\",\"domain\":\"$dentist\"}"
  check "$era: remove_vip without a form wants a person" 0 \
    "content.status === 'confirmation_required' && content.approval_code && content.preview && content.expires_at
      && !content.confirmation"

  call remove_vip "{\"ani\":\"6165550199\",\"domain\":\"$bakery\"}"
  check "$era: remove_vip of nothing" 0 "content.status === 'not_found'"

  call explain_call "{\"ani\":\"$ani\",\"domain\":\"$dentist\"}"
  check "$era: explain_call" 0 "content.decided_by === 'caller_rule' && content.destination.destination && content.unknown.length > 0"

  call onboarding_status '{}'
  check "$era: onboarding_status shows the alarm first" 0 "content.alarms === 1 && content.customers[0].alarm"

  call list_destinations "{\"domain\":\"$bakery\"}"
  check "$era: list_destinations" 0 "content.destinations.some(row => row.destination === '101')"

  call onboard_domain "{\"domain\":\"$bakery\"}"
  check "$era: onboard_domain waits for a person" 0 \
    "content.status === 'confirmation_required' && content.approval_code && !content.confirmation"

  mark='"step":"dial_translation_rule","attested_by":"nobody","note":"none"'
  call mark_setup_step "{\"domain\":\"$bakery\",$mark}"
  check "$era: mark_setup_step waits for a person" 0 \
    "content.status === 'confirmation_required' && content.approval_code.length === 9"

  sandbox --method prompts/get --prompt-name onboard_customer --prompt-args "domain=$bakery"
  check "$era: prompts/get" 0 "result.messages[0].content.text.includes('route_did')"

  sandbox --method resources/templates/list
  check "$era: resources/templates/list" 0 "result.resourceTemplates.length === 2"

  sandbox --method resources/read --uri "skyswitch://domains/$dentist/checklist"
  check "$era: resources/read" 0 "JSON.parse(result.contents[0].text).ready"

  call list_changes '{}'
  check "$era: list_changes" 0 "content.total === content.changes.length"

  call undo_change '{"change_id":"99999"}'
  check "$era: undo_change of nothing" 5 "result.isError && content.error.code === 'not_found'"

  call sync_vips "{\"domain\":\"$bakery\",\"list\":\"ani,destination\\n6165550178,101\\n616,101\",\"dry_run\":\"true\"}"
  check "$era: sync_vips plans" 0 \
    "content.status === 'planned' && content.plan.add === 1 && content.plan.invalid === 1 && content.rows[0].line === 3"

  call add_vip "{\"ani\":\"not a number\",\"domain\":\"$bakery\",\"destination\":\"101\"}"
  check "$era: add_vip refuses what is no number" 5 \
    "result.isError && content.error.code === 'invalid_argument' && content.error.field === 'ani'"
done

# As people start it: by the configuration file of the project, with the program on the PATH.
if [ "$(command -v skyswitch)" != "$work/bin/skyswitch" ]; then
  echo "another program named skyswitch comes first on the PATH" >&2
  exit 1
fi
configured() { # SERVER OPTIONS...
  local server=$1
  shift
  inspect --config "$mcp_json" --server "$server" "$@"
}
configured skyswitch-sandbox --method tools/list --strict
check "mcp.json: the sandbox lists its tools" 0 "$all_tools"
configured skyswitch-sandbox --method tools/call --tool-name list_vips --tool-arg "domain=$dentist"
check "mcp.json: the sandbox answers list_vips" 0 "content.count > 0"
configured skyswitch --method tools/list --strict
check "mcp.json: the real server lists its tools without credentials" 0 "$all_tools"
configured skyswitch --method tools/call --tool-name list_vips --tool-arg "domain=$dentist"
check "mcp.json: a call without credentials says which are missing" 5 \
  "result.isError && content.error.code === 'not_configured' && JSON.stringify(content.error).includes('SKYSWITCH_')"

# As `skyswitch install` writes it, into a file that this client reads too.
HOME=$work/person "$binary" install cursor --sandbox --yes >"$work/installed" || cat "$work/installed"
mcp_json=$work/person/.cursor/mcp.json
configured skyswitch-sandbox --method tools/list --strict
check "skyswitch install: the sandbox lists its tools" 0 "$all_tools"

exit $((failures > 0))
