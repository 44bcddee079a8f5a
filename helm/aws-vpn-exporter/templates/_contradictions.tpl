{{- /*
Values that cannot all be meant, and those that only the API server or the Prometheus Operator would refuse: each is a
sentence that says what to do. Each subject's template writes its sentences on lines of their own.
*/}}
{{- define "aws-vpn-exporter.contradictions" -}}
{{- $sentences := list }}
{{- range list "credentials" "configuration" "shards" "strategy" "scraping" "web" "names" "pod" "service" "network" "keepalive" }}
{{- $sentences = concat $sentences (include (printf "aws-vpn-exporter.contradictions.%s" .) $ | splitList "\n" | compact) }}
{{- end }}
{{- with $sentences }}
{{- printf "\n%s" (join "\n" .) | fail }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.credentials" -}}
{{- $ways := list }}
{{- with .Values.credentials }}
{{- if .irsa.roleArn }}{{ $ways = append $ways "credentials.irsa.roleArn" }}{{ end }}
{{- if .podIdentity.enabled }}{{ $ways = append $ways "credentials.podIdentity.enabled" }}{{ end }}
{{- if .existingSecret.name }}{{ $ways = append $ways "credentials.existingSecret.name" }}{{ end }}
{{- end }}
{{- if gt (len $ways) 1 }}
{{ join " and " $ways }} are all set, and AWS's libraries would silently take one of them: keep the one that you mean.
{{- end }}
{{- if and .Values.credentials.irsa.roleArn (not .Values.serviceAccount.create) }}
credentials.irsa.roleArn is written on a service account that this chart creates, but serviceAccount.create is false: set it to true, or annotate your own service account with eks.amazonaws.com/role-arn and leave roleArn empty.
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.configuration" -}}
{{- $configs := list }}
{{- if .Values.config }}{{ $configs = append $configs "config" }}{{ end }}
{{- if .Values.existingConfig.configMap }}{{ $configs = append $configs "existingConfig.configMap" }}{{ end }}
{{- if .Values.existingConfig.secret }}{{ $configs = append $configs "existingConfig.secret" }}{{ end }}
{{- if gt (len $configs) 1 }}
{{ join " and " $configs }} are all set, but there is one configuration file: keep one of them.
{{- end }}
{{- if and .Values.configReload.enabled (not $configs) }}
configReload.enabled is true, but there is no configuration file to read again: write it under config or name existingConfig, or set configReload.enabled to false.
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.shards" -}}
{{- if include "aws-vpn-exporter.sharded" . }}
{{- if not (include "aws-vpn-exporter.hasConfig" .) }}
shards is above 1, but without a configuration there is one account and one region and nothing to share: write what to watch under config (or name existingConfig), or set shards to 1.
{{- end }}
{{- if gt (int .Values.replicaCount) 1 }}
shards and replicaCount are both above 1, but each shard runs once: set replicaCount to 1.
{{- end }}
{{- if semverCompare "<1.28.0-0" .Capabilities.KubeVersion.Version }}
shards above 1 need Kubernetes 1.28 or later, which numbers the pods of a StatefulSet, and this is {{ .Capabilities.KubeVersion.Version }}: set shards to 1.
{{- end }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.strategy" -}}
{{- $sharded := include "aws-vpn-exporter.sharded" . | eq "yes" }}
{{- $kind := $sharded | ternary "StatefulSet" "Deployment" }}
{{- $types := $sharded | ternary (list "RollingUpdate" "OnDelete") (list "RollingUpdate" "Recreate") }}
{{- $because := $sharded | ternary "shards above 1 are" "one shard is" }}
{{- with .Values.updateStrategy }}
{{- if not (has (default "RollingUpdate" .type) $types) }}
updateStrategy.type is {{ .type }}, but {{ $because }} a {{ $kind }}, which knows {{ join " and " $types }}: choose one of these.
{{- else if and .rollingUpdate (ne (default "RollingUpdate" .type) "RollingUpdate") }}
updateStrategy.rollingUpdate is set, but updateStrategy.type is {{ .type }}: leave out one of them.
{{- end }}
{{- range $field := $sharded | ternary (list "maxSurge") (list "partition") }}
{{- if hasKey (default dict $.Values.updateStrategy.rollingUpdate) $field }}
updateStrategy.rollingUpdate.{{ $field }} is set, but {{ $because }} a {{ $kind }}, which does not know it: leave it out.
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.scraping" -}}
{{- $scrapes := list }}
{{- range list "serviceMonitor" "podMonitor" "scrapeAnnotations" }}
{{- if (get $.Values .).enabled }}{{ $scrapes = append $scrapes (printf "%s.enabled" .) }}{{ end }}
{{- end }}
{{- if gt (len $scrapes) 1 }}
{{ join " and " $scrapes }} are all true, and Prometheus would scrape everything more than once: keep one of them.
{{- end }}
{{- if .Values.podMonitor.targetLabels }}
podMonitor.targetLabels is set, but a PodMonitor knows no service whose labels it could take: write podMonitor.podTargetLabels.
{{- end }}
{{- range $name := list "serviceMonitor" "podMonitor" }}
{{- $ways := list }}
{{- range list "basicAuth" "authorization" "oauth2" }}
{{- if get (get $.Values $name) . }}{{ $ways = append $ways (printf "%s.%s" $name .) }}{{ end }}
{{- end }}
{{- if gt (len $ways) 1 }}
{{ join " and " $ways }} are all set, but a scrape has one way to say who asks, and the Prometheus Operator drops such a resource: keep one of them.
{{- end }}
{{- end }}
{{- range $name := list "serviceMonitor" "podMonitor" "keepaliveProbe" }}
{{- with get $.Values $name }}
{{- if and .interval .scrapeTimeout (gt (include "aws-vpn-exporter.milliseconds" .scrapeTimeout | int64) (include "aws-vpn-exporter.milliseconds" .interval | int64)) }}
{{ $name }}.scrapeTimeout ({{ .scrapeTimeout }}) is longer than {{ $name }}.interval ({{ .interval }}), and the Prometheus Operator drops such a resource: set it to {{ .interval }} or less.
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.web" -}}
{{- if not .Values.webConfig.existingSecret }}
{{- if or .Values.webConfig.tls .Values.webConfig.certificateSecret }}
webConfig.tls or webConfig.certificateSecret is set, but it is the web configuration that turns TLS on: name its Secret in webConfig.existingSecret.
{{- end }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
ingress.enabled is true: say which hosts lead to the exporter in ingress.hosts.
{{- end }}
{{- range $name, $route := .Values.route }}
{{- if and $route.enabled (not $route.parentRefs) }}
route.{{ $name }}.enabled is true: say which gateway it belongs to in route.{{ $name }}.parentRefs.
{{- end }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.names" -}}
{{- $name := include "aws-vpn-exporter.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
{{- $from := .Values.fullnameOverride | empty | ternary "the release's name and nameOverride" "fullnameOverride" }}
{{- $right := regexReplaceAll "[^a-z0-9]+" (lower $name) "-" | trimAll "-" }}
the service would be called {{ $name }} after {{ $from }}, but Kubernetes wants small letters, digits and dashes, a letter first: set fullnameOverride to {{ regexMatch "^[a-z]" $right | ternary $right (printf "vpn-%s" $right) }}, say.
{{- end }}
{{- $label := include "aws-vpn-exporter.name" . }}
{{- if not (regexMatch "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$" $label) }}
nameOverride is {{ $label }}, which cannot be the value of a label: use letters, digits, dashes, underscores and dots, a letter or digit first and last.
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.pod" -}}
{{- $containers := include "aws-vpn-exporter.rendered" (list . .Values.extraContainers) | fromYamlArray }}
{{- $init := include "aws-vpn-exporter.rendered" (list . .Values.extraInitContainers) | fromYamlArray }}
{{- $named := dict
  "extraEnv" (list "name" "environment variable" (include "aws-vpn-exporter.env" . | fromYamlArray))
  "extraVolumes" (list "name" "volume" (include "aws-vpn-exporter.volumes" . | fromYamlArray))
  "extraVolumeMounts" (list "mountPath" "mount" (include "aws-vpn-exporter.volumeMounts" . | fromYamlArray))
  "extraContainers" (list "name" "container" (concat (list (dict "name" "exporter")) $init $containers))
  "hostAliases" (list "ip" "address" .Values.hostAliases)
}}
{{- range $value, $items := $named }}
{{- $seen := list }}
{{- range last $items }}
{{- $name := get . (first $items) }}
{{- if has $name $seen }}
{{ $value }} repeats the {{ index $items 1 }} {{ $name }}, which {{ has $value (list "hostAliases") | ternary "it has already" "it or the chart has already" }}, and Kubernetes refuses that: keep one of them{{ eq $name "AWS_REGION" | ternary " (aws.region or extraEnv)" "" }}.
{{- end }}
{{- $seen = append $seen $name }}
{{- end }}
{{- end }}
{{- range $probe := list "livenessProbe" "readinessProbe" "startupProbe" }}
{{- $handlers := list }}
{{- range list "httpGet" "tcpSocket" "exec" "grpc" }}
{{- if get (get $.Values $probe) . }}{{ $handlers = append $handlers . }}{{ end }}
{{- end }}
{{- if gt (len $handlers) 1 }}
{{ $probe }} has {{ join " and " $handlers }}, but Kubernetes takes one handler: keep one of them.
{{- end }}
{{- end }}
{{- with .Values.podDisruptionBudget }}
{{- if and .enabled (ne (toString .minAvailable) "") (ne (toString .maxUnavailable) "") }}
podDisruptionBudget.minAvailable and podDisruptionBudget.maxUnavailable are both set, and Kubernetes takes only one: keep one of them.
{{- end }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.service" -}}
{{- $type := .Values.service.type }}
{{- $only := dict
  "nodePort" (list "NodePort" "LoadBalancer") "externalTrafficPolicy" (list "NodePort" "LoadBalancer")
  "loadBalancerIP" (list "LoadBalancer") "loadBalancerClass" (list "LoadBalancer") "loadBalancerSourceRanges" (list "LoadBalancer")
}}
{{- range $field, $types := $only }}
{{- if and (get $.Values.service $field) (not (has $type $types)) }}
service.{{ $field }} is set, but service.type is {{ $type }}: set it to {{ join " or " $types }}, or leave service.{{ $field }} out.
{{- end }}
{{- end }}
{{- range .Values.service.loadBalancerSourceRanges }}
{{- with include "aws-vpn-exporter.cidrFault" . }}
service.loadBalancerSourceRanges: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.network" -}}
{{- range .Values.networkPolicy.awsCidrs }}
{{- with include "aws-vpn-exporter.cidrFault" . }}
networkPolicy.awsCidrs: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.contradictions.keepalive" -}}
{{- with .Values.keepaliveProbe }}
{{- if and .enabled (not (and .connections .proberUrl)) }}
keepaliveProbe.enabled is true: say what to ping in keepaliveProbe.connections and where the blackbox exporter is in keepaliveProbe.proberUrl.
{{- end }}
{{- end }}
{{- end }}
