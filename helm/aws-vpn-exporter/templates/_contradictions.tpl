{{- /* Values that cannot all be meant: each is a sentence that says what to do. */}}
{{- define "aws-vpn-exporter.contradictions" -}}
{{- $sentences := list }}
{{- with .Values.credentials }}
{{- $ways := list }}
{{- if .irsa.roleArn }}{{ $ways = append $ways "credentials.irsa.roleArn" }}{{ end }}
{{- if .podIdentity.enabled }}{{ $ways = append $ways "credentials.podIdentity.enabled" }}{{ end }}
{{- if .existingSecret.name }}{{ $ways = append $ways "credentials.existingSecret.name" }}{{ end }}
{{- if gt (len $ways) 1 }}
{{- $sentences = append $sentences (printf "%s are all set, and AWS's libraries would silently take one of them: keep the one that you mean." (join " and " $ways)) }}
{{- end }}
{{- end }}
{{- if and .Values.credentials.irsa.roleArn (not .Values.serviceAccount.create) }}
{{- $sentences = append $sentences "credentials.irsa.roleArn is written on a service account that this chart creates, but serviceAccount.create is false: set it to true, or annotate your own service account with eks.amazonaws.com/role-arn and leave roleArn empty." }}
{{- end }}
{{- $configs := list }}
{{- if .Values.config }}{{ $configs = append $configs "config" }}{{ end }}
{{- if .Values.existingConfig.configMap }}{{ $configs = append $configs "existingConfig.configMap" }}{{ end }}
{{- if .Values.existingConfig.secret }}{{ $configs = append $configs "existingConfig.secret" }}{{ end }}
{{- if gt (len $configs) 1 }}
{{- $sentences = append $sentences (printf "%s are all set, but there is one configuration file: keep one of them." (join " and " $configs)) }}
{{- end }}
{{- if gt (int .Values.shards) 1 }}
{{- if not $configs }}
{{- $sentences = append $sentences "shards is above 1, but without a configuration there is one account and one region and nothing to share: write what to watch under config (or name existingConfig), or set shards to 1." }}
{{- end }}
{{- if gt (int .Values.replicaCount) 1 }}
{{- $sentences = append $sentences "shards and replicaCount are both above 1, but each shard runs once: set replicaCount to 1." }}
{{- end }}
{{- if semverCompare "<1.28.0-0" .Capabilities.KubeVersion.Version }}
{{- $sentences = append $sentences (printf "shards above 1 need Kubernetes 1.28 or later, which numbers the pods of a StatefulSet, and this is %s: set shards to 1." .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- end }}
{{- $scrapes := list }}
{{- range list "serviceMonitor" "podMonitor" "scrapeAnnotations" }}
{{- if (get $.Values .).enabled }}{{ $scrapes = append $scrapes (printf "%s.enabled" .) }}{{ end }}
{{- end }}
{{- if gt (len $scrapes) 1 }}
{{- $sentences = append $sentences (printf "%s are all true, and Prometheus would scrape everything more than once: keep one of them." (join " and " $scrapes)) }}
{{- end }}
{{- if not .Values.webConfig.existingSecret }}
{{- if or .Values.webConfig.tls .Values.webConfig.certificateSecret }}
{{- $sentences = append $sentences "webConfig.tls or webConfig.certificateSecret is set, but it is the web configuration that turns TLS on: name its Secret in webConfig.existingSecret." }}
{{- end }}
{{- end }}
{{- if and .Values.podDisruptionBudget.enabled (ne (toString .Values.podDisruptionBudget.minAvailable) "") (ne (toString .Values.podDisruptionBudget.maxUnavailable) "") }}
{{- $sentences = append $sentences "podDisruptionBudget.minAvailable and podDisruptionBudget.maxUnavailable are both set, and Kubernetes takes only one: keep one of them." }}
{{- end }}
{{- if .Values.keepaliveProbe.enabled }}
{{- if not (and .Values.keepaliveProbe.connections .Values.keepaliveProbe.proberUrl) }}
{{- $sentences = append $sentences "keepaliveProbe.enabled is true: say what to ping in keepaliveProbe.connections and where the blackbox exporter is in keepaliveProbe.proberUrl." }}
{{- end }}
{{- end }}
{{- with $sentences }}
{{- printf "\n%s" (join "\n" .) | fail }}
{{- end }}
{{- end }}
