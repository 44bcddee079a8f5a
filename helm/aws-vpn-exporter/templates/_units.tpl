{{- /* A duration as Prometheus writes it, such as 1m30s, in milliseconds. */}}
{{- define "aws-vpn-exporter.milliseconds" -}}
{{- $milliseconds := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 }}
{{- $sum := 0 }}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 }}
{{- $number := regexFind "^[0-9]+" . }}
{{- $sum = add $sum (mul $number (get $milliseconds (trimPrefix $number .))) }}
{{- end }}
{{- $sum }}
{{- end }}

{{- /* What is wrong with an address range, as a sentence; empty where nothing is. Takes the text. */}}
{{- define "aws-vpn-exporter.cidrFault" -}}
{{- $octet := "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])" }}
{{- $four := regexMatch (printf "^(%s\\.){3}%s/(3[0-2]|[12]?[0-9])$" $octet $octet) . }}
{{- $groups := list }}
{{- if $four }}
{{- $groups = splitList "." (splitList "/" . | first) }}
{{- else if regexMatch "^[0-9a-fA-F:]*::?[0-9a-fA-F:]*/(12[0-8]|1[01][0-9]|[1-9]?[0-9])$" . }}
{{- $groups = include "aws-vpn-exporter.ipv6Groups" (splitList "/" . | first) | fromJsonArray }}
{{- end }}
{{- if not $groups }}
{{- . }} is not an address range: write an address and the length of its prefix, such as 10.0.0.0/16 or fd00::/64.
{{- else }}
{{- $bits := $four | ternary 8 16 }}
{{- $left := splitList "/" . | last | int }}
{{- $network := list }}
{{- range $groups }}
{{- $value := $four | ternary . (printf "0x%s" .) | int64 }}
{{- $size := 1 }}
{{- range until (sub $bits (max 0 (min $left $bits)) | int) }}{{ $size = mul $size 2 }}{{ end }}
{{- $network = append $network (sub $value (mod $value $size) | printf ($four | ternary "%d" "%x")) }}
{{- $left = sub $left $bits }}
{{- end }}
{{- $wanted := join ($four | ternary "." ":") $network }}
{{- $given := $four | ternary (join "." $groups) (join ":" $groups) }}
{{- if ne $wanted $given }}
{{- . }} has bits set behind its prefix, which Kubernetes refuses: write {{ $wanted }}/{{ splitList "/" . | last }}.
{{- end }}
{{- end }}
{{- end }}

{{- /* The eight groups of an IPv6 address, in hexadecimal without leading zeros, as JSON; an empty list for any other text. */}}
{{- define "aws-vpn-exporter.ipv6Groups" -}}
{{- $halves := splitList "::" . }}
{{- $groups := splitList ":" . }}
{{- $valid := and (le (len $halves) 2) (not (contains ":::" .)) }}
{{- if eq (len $halves) 2 }}
{{- $groups = splitList ":" (first $halves) | compact }}
{{- $behind := splitList ":" (last $halves) | compact }}
{{- $missing := sub 8 (add (len $groups) (len $behind)) | int }}
{{- $valid = and $valid (ge $missing 1) }}
{{- range until (max $missing 0 | int) }}{{ $groups = append $groups "0" }}{{ end }}
{{- $groups = concat $groups $behind }}
{{- end }}
{{- $short := list }}
{{- range $groups }}
{{- $valid = and $valid (regexMatch "^[0-9a-fA-F]{1,4}$" .) }}
{{- $short = append $short (default "0" (lower . | trimPrefix "0" | trimPrefix "0" | trimPrefix "0")) }}
{{- end }}
{{- and $valid (eq (len $groups) 8) | ternary $short list | toJson }}
{{- end }}
