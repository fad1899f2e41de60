{{/*
One egress rule of a NetworkPolicy. Takes (list $ "name"): the name of a part of networkPolicy.egress. One that says
neither cidrs nor peers is refused: Kubernetes takes a rule without them as open to all.
*/}}
{{- define "hallpass.egress" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $part := get $root.Values.networkPolicy.egress $name -}}
{{- if not (or $part.cidrs $part.peers) -}}
  {{- fail (printf "networkPolicy.egress.%s names nobody: give cidrs, such as [10.0.0.0/8], or peers. It is in use by config." $name) -}}
{{- end -}}
{{- if not $part.ports -}}
  {{- fail (printf "networkPolicy.egress.%s.ports is empty: name one port at least." $name) -}}
{{- end }}
# {{ $name }}
- to:
    {{- range $part.cidrs }}
    - ipBlock:
        cidr: {{ . | quote }}
    {{- end }}
    {{- with $part.peers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    {{- range $part.ports }}
    {{- if eq $name "dns" }}
    - port: {{ . }}
      protocol: UDP
    {{- end }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
{{- end -}}

{{/* The names of the parts of networkPolicy.egress that `config` has a use for, each on a line. */}}
{{- define "hallpass.egressNames" -}}
{{- $config := .Values.config -}}
{{- $names := list "dns" "database" "apiServer" "identityProvider" -}}
{{- if $config.slack -}}{{- $names = append $names "slack" -}}{{- end -}}
{{- $s3 := dig "recordings" "s3" "bucket" "" $config -}}
{{- range dig "audit" "anchors" list $config -}}
  {{- if eq .kind "s3" -}}{{- $s3 = "anchor" -}}{{- end -}}
  {{- if eq .kind "webhook" -}}{{- $names = append $names "webhooks" -}}{{- end -}}
{{- end -}}
{{- range dig "audit" "sinks" list $config -}}
  {{- if eq .kind "s3" -}}{{- $s3 = "sink" -}}{{- end -}}
  {{- if has .kind (list "webhook" "splunk") -}}{{- $names = append $names "webhooks" -}}{{- end -}}
  {{- if eq .kind "syslog" -}}{{- $names = append $names "syslog" -}}{{- end -}}
{{- end -}}
{{- range dig "notifications" "channels" list $config -}}
  {{- if eq .kind "email" -}}{{- $names = append $names "smtp" -}}{{- else -}}{{- $names = append $names "webhooks" -}}{{- end -}}
{{- end -}}
{{- if $s3 -}}{{- $names = append $names "s3" -}}{{- end -}}
{{- if dig "onCall" "secrets" list $config -}}{{- $names = append $names "onCall" -}}{{- end -}}
{{- if dig "tracing" "otlp" dict $config -}}{{- $names = append $names "traces" -}}{{- end -}}
{{- join "\n" (uniq $names) -}}
{{- end -}}
