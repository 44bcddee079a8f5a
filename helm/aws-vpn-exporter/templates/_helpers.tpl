{{- define "aws-vpn-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* A StatefulSet adds "-" and a hash of ten characters to the name of its pods' revision label: 52 + 11 = 63. */}}
{{- define "aws-vpn-exporter.fullname" -}}
{{- $name := include "aws-vpn-exporter.name" . }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- /* Whether several exporters share the targets between them; empty means no. */}}
{{- define "aws-vpn-exporter.sharded" -}}
{{- if gt (int .Values.shards) 1 }}yes{{ end }}
{{- end }}

{{- /*
The name of the Deployment or StatefulSet. Another number of shards is another StatefulSet, so that its pods start while
the former ones go on watching for `handoverSeconds`: a StatefulSet itself never starts a pod before the former is gone.
*/}}
{{- define "aws-vpn-exporter.workloadName" -}}
{{- $name := include "aws-vpn-exporter.fullname" . }}
{{- if include "aws-vpn-exporter.sharded" . }}
{{- $suffix := printf "-shards-%d" (int .Values.shards) }}
{{- $name = printf "%s%s" (trunc (sub 52 (len $suffix) | int) $name | trimSuffix "-") $suffix }}
{{- end }}
{{- $name }}
{{- end }}

{{- define "aws-vpn-exporter.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride }}
{{- end }}

{{- define "aws-vpn-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "aws-vpn-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "aws-vpn-exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "aws-vpn-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: exporter
app.kubernetes.io/part-of: aws-vpn-exporter
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* Takes the root, and labels that are added. What selectors go by is not for overriding. */}}
{{- define "aws-vpn-exporter.mergedLabels" -}}
{{- $root := first . }}
{{- $labels := include "aws-vpn-exporter.labels" $root | fromYaml }}
{{- $selected := include "aws-vpn-exporter.selectorLabels" $root | fromYaml }}
{{- mergeOverwrite $labels $root.Values.commonLabels (default dict (last .)) $selected | toYaml }}
{{- end }}

{{- /* The templates in a value rendered. Takes the root, and text or what is written as YAML. */}}
{{- define "aws-vpn-exporter.rendered" -}}
{{- $value := last . }}
{{- tpl (kindIs "string" $value | ternary $value (toYaml $value)) (first .) }}
{{- end }}

{{- /*
The metadata of a resource. Takes the root, and a dict that may hold name, suffix (of the default name), namespace,
labels, annotations, and `apart`: text that sets the label app.kubernetes.io/name apart from what selectors go by.
*/}}
{{- define "aws-vpn-exporter.metadata" -}}
{{- $root := first . }}
{{- $own := last . }}
{{- $default := list (include "aws-vpn-exporter.fullname" $root) $own.suffix | compact | join "-" -}}
name: {{ default $default $own.name }}
namespace: {{ default (include "aws-vpn-exporter.namespace" $root) $own.namespace }}
{{- $labels := include "aws-vpn-exporter.mergedLabels" (list $root $own.labels) | fromYaml }}
{{- with $own.apart }}
{{- $_ := set $labels "app.kubernetes.io/name" (printf "%s-%s" (include "aws-vpn-exporter.name" $root | trunc 55) .) }}
{{- end }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $own.annotations }}
annotations:
  {{- include "aws-vpn-exporter.rendered" (list $root .) | nindent 2 }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.serviceAccountName" -}}
{{- $default := ternary (include "aws-vpn-exporter.fullname" .) "default" .Values.serviceAccount.create }}
{{- default $default .Values.serviceAccount.name }}
{{- end }}

{{- define "aws-vpn-exporter.image" -}}
{{- $registry := default .Values.image.registry (default dict .Values.global).imageRegistry }}
{{- $repository := list $registry .Values.image.repository | compact | join "/" }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* Whether there is a configuration file, and so a volume for it; empty means no. */}}
{{- define "aws-vpn-exporter.hasConfig" -}}
{{- if or .Values.config .Values.existingConfig.configMap .Values.existingConfig.secret }}yes{{ end }}
{{- end }}

{{- define "aws-vpn-exporter.configFile" -}}
/etc/aws-vpn-exporter/config/{{ .Values.config | empty | ternary .Values.existingConfig.key "config.yaml" }}
{{- end }}

{{- define "aws-vpn-exporter.scheme" -}}
{{- ternary "https" "http" .Values.webConfig.tls }}
{{- end }}

{{- /* A ServiceMonitor or PodMonitor. Takes the root, the kind, the name of its list of endpoints, and the values. */}}
{{- define "aws-vpn-exporter.monitor" -}}
{{- $root := index . 0 }}
{{- $values := index . 3 }}
{{- with $values }}
apiVersion: monitoring.coreos.com/v1
kind: {{ index $ 1 }}
metadata:
  {{- include "aws-vpn-exporter.metadata" (list $root (dict "namespace" .namespace "labels" .additionalLabels "annotations" .annotations)) | nindent 2 }}
spec:
  jobLabel: {{ .jobLabel }}
  namespaceSelector:
    matchNames:
      - {{ include "aws-vpn-exporter.namespace" $root }}
  selector:
    matchLabels:
      {{- include "aws-vpn-exporter.selectorLabels" $root | nindent 6 }}
  {{ index $ 2 }}:
    - port: http
      path: /metrics
      scheme: {{ include "aws-vpn-exporter.scheme" $root }}
      {{- with .interval }}
      interval: {{ . }}
      {{- end }}
      {{- with .scrapeTimeout }}
      scrapeTimeout: {{ . }}
      {{- end }}
      {{- range $field := list "tlsConfig" "basicAuth" "authorization" "oauth2" "proxyUrl" "params" "honorLabels" "relabelings" "metricRelabelings" }}
      {{- with get $values $field }}
      {{ $field }}:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- end }}
      {{- range $field := list "honorTimestamps" "followRedirects" "enableHttp2" }}
      {{- if not (get $values $field) }}
      {{ $field }}: false
      {{- end }}
      {{- end }}
  {{- range $field := list "targetLabels" "podTargetLabels" "sampleLimit" "targetLimit" "labelLimit" "labelNameLengthLimit" "labelValueLengthLimit" }}
  {{- with get $values $field }}
  {{ $field }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- with .extraSpec }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}
