{{- /* The pod, for a Deployment as well as for a StatefulSet. */}}
{{- define "aws-vpn-exporter.pod" -}}
metadata:
  labels:
    {{- /* Without the chart's version, so that a new chart does not roll pods that stay the same. */}}
    {{- omit (include "aws-vpn-exporter.mergedLabels" (list . .Values.podLabels) | fromYaml) "helm.sh/chart" | toYaml | nindent 4 }}
  {{- with include "aws-vpn-exporter.podAnnotations" . }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "aws-vpn-exporter.serviceAccountName" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automountToken }}
  enableServiceLinks: false
  {{- with include "aws-vpn-exporter.pullSecrets" . | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .Values.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "aws-vpn-exporter.rendered" (list . .Values.extraInitContainers) | fromYamlArray }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: exporter
      image: {{ include "aws-vpn-exporter.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - serve
        {{- if include "aws-vpn-exporter.hasConfig" . }}
        - --config.file={{ include "aws-vpn-exporter.configFile" . }}
        {{- end }}
        {{- if .Values.configReload.enabled }}
        - --config.auto-reload-interval={{ .Values.configReload.interval }}
        {{- end }}
        - --web.listen-address=:{{ .Values.containerPort }}
        {{- if .Values.webConfig.existingSecret }}
        - --web.config.file=/etc/aws-vpn-exporter/web/{{ .Values.webConfig.key }}
        {{- end }}
        - --log.level={{ .Values.log.level }}
        - --log.format={{ .Values.log.format }}
        {{- if include "aws-vpn-exporter.sharded" . }}
        - --shard=$(SHARD)/{{ .Values.shards }}
        {{- end }}
        {{- with .Values.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with include "aws-vpn-exporter.env" . | fromYamlArray }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: {{ .Values.containerPort }}
          protocol: TCP
      livenessProbe:
        {{- include "aws-vpn-exporter.probe" (list . "/-/healthy" .Values.livenessProbe) | trim | nindent 8 }}
      readinessProbe:
        {{- include "aws-vpn-exporter.probe" (list . "/-/ready" .Values.readinessProbe) | trim | nindent 8 }}
      {{- with .Values.startupProbe }}
      startupProbe:
        {{- include "aws-vpn-exporter.probe" (list $ "/-/healthy" .) | trim | nindent 8 }}
      {{- end }}
      {{- with include "aws-vpn-exporter.lifecycle" . | fromYaml }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with include "aws-vpn-exporter.volumeMounts" . | fromYamlArray }}
      volumeMounts:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- with include "aws-vpn-exporter.rendered" (list . .Values.extraContainers) | fromYamlArray }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with include "aws-vpn-exporter.volumes" . | fromYamlArray }}
  volumes:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    {{- $selector := dict "matchLabels" (include "aws-vpn-exporter.selectorLabels" $ | fromYaml) }}
    {{- list (merge (dict) . (dict "labelSelector" $selector)) | toYaml | nindent 4 }}
    {{- end }}
  {{- end }}
  {{- range $field := list "priorityClassName" "runtimeClassName" "schedulerName" "dnsPolicy" "dnsConfig" "hostAliases" }}
  {{- with get $.Values $field }}
  {{ $field }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- $waits := .Values.lifecycle.preStop | empty | ternary .Values.handoverSeconds 0 }}
  terminationGracePeriodSeconds: {{ add .Values.terminationGracePeriodSeconds $waits }}
{{- end }}

{{- /* A pod is scraped, and goes on watching, while its preStop handler runs. */}}
{{- define "aws-vpn-exporter.lifecycle" -}}
{{- $own := dict }}
{{- if and .Values.handoverSeconds (not .Values.lifecycle.preStop) }}
{{- $_ := set $own "preStop" (dict "exec" (dict "command" (list "sleep" (int .Values.handoverSeconds | toString)))) }}
{{- end }}
{{- with merge $own .Values.lifecycle }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.pullSecrets" -}}
{{- with concat .Values.imagePullSecrets (default list (default dict .Values.global).imagePullSecrets) }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.podAnnotations" -}}
{{- $own := dict }}
{{- if and .Values.config .Values.configChecksum (not .Values.configReload.enabled) }}
{{- /* The exporter reads its configuration at the start: pods are replaced when it changes. */}}
{{- $_ := set $own "checksum/config" (toYaml .Values.config | sha256sum) }}
{{- end }}
{{- if .Values.scrapeAnnotations.enabled }}
{{- $_ := set $own "prometheus.io/scrape" "true" }}
{{- $_ := set $own "prometheus.io/path" "/metrics" }}
{{- $_ := set $own "prometheus.io/port" (toString .Values.containerPort) }}
{{- $_ := set $own "prometheus.io/scheme" (include "aws-vpn-exporter.scheme" .) }}
{{- end }}
{{- with merge (include "aws-vpn-exporter.rendered" (list . .Values.podAnnotations) | fromYaml) $own }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{- /* A probe: the values, and GET where they name no handler. Takes the root, a path and the values. */}}
{{- define "aws-vpn-exporter.probe" -}}
{{- $root := index . 0 }}
{{- $values := index . 2 }}
{{- if not (or $values.httpGet $values.tcpSocket $values.exec $values.grpc) }}
httpGet:
  path: {{ index . 1 }}
  port: http
  scheme: {{ include "aws-vpn-exporter.scheme" $root | upper }}
{{- end }}
{{- with $values }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.env" -}}
{{- with .Values.aws.region }}
- name: AWS_REGION
  value: {{ quote . }}
{{- end }}
{{- with .Values.credentials.existingSecret }}
{{- if .name }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .accessKeyIdKey }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .secretAccessKeyKey }}
- name: AWS_SESSION_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .sessionTokenKey }}
      optional: true
{{- end }}
{{- end }}
{{- if include "aws-vpn-exporter.sharded" . }}
- name: SHARD
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
{{- end }}
{{- with .Values.extraEnv }}
{{ include "aws-vpn-exporter.rendered" (list $ .) }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.volumeMounts" -}}
{{- if include "aws-vpn-exporter.hasConfig" . }}
- name: config
  mountPath: /etc/aws-vpn-exporter/config
  readOnly: true
{{- end }}
{{- if .Values.webConfig.existingSecret }}
- name: web-config
  mountPath: /etc/aws-vpn-exporter/web
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "aws-vpn-exporter.volumes" -}}
{{- if include "aws-vpn-exporter.hasConfig" . }}
- name: config
  {{- if .Values.existingConfig.secret }}
  secret:
    secretName: {{ .Values.existingConfig.secret }}
  {{- else }}
  configMap:
    name: {{ default (include "aws-vpn-exporter.fullname" .) .Values.existingConfig.configMap }}
  {{- end }}
{{- end }}
{{- if .Values.webConfig.existingSecret }}
- name: web-config
  projected:
    sources:
      - secret:
          name: {{ .Values.webConfig.existingSecret }}
      {{- with .Values.webConfig.certificateSecret }}
      - secret:
          name: {{ . }}
      {{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
