package main

// variant is one try at the task: a bash function slug that makes a title fit
// for a URL. An agent would get these from a model.
type variant struct{ name, code string }

var variants = []variant{
	{"lower", `slug() { echo "${1,,}"; }`},
	{"spaces", `slug() { local s="${1,,}"; echo "${s// /-}"; }`},
	{"tr", `slug() { tr -cs 'a-z0-9' '-' <<<"${1,,}" | sed 's/^-*//; s/-*$//'; }`},
	{"broken", `slug() { echo "${1,,"; }`},
	{"long", `slug() {
	local text="${1,,}" out="" i char
	for ((i = 0; i < ${#text}; i++)); do
		char="${text:i:1}"
		case "$char" in
		[a-z0-9]) out+="$char" ;;
		*) if [ -n "$out" ] && [ "${out: -1}" != - ]; then out+=-; fi ;;
		esac
	done
	echo "${out%-}"
}`},
}

// checks prints a line for each: "ok …" or "not ok …".
const checks = `. ./slug.sh
while IFS='|' read -r title want; do
	got=$(slug "$title" 2>/dev/null)
	if [ "$got" = "$want" ]; then echo "ok $title"; else echo "not ok $title: $got"; fi
done <<'END'
hello|hello
Hello|hello
Hello World|hello-world
Hello,  World!|hello-world
 2 + 2 = 4 |2-2-4
END
`
