{{/* The chart's name, or what stands in its place. */}}
{{- define "hallpass.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of the objects. Room is left for the longest ending. */}}
{{- define "hallpass.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "hallpass.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The labels by which the Pods of one component are found. They never change. Takes (list $ component). */}}
{{- define "hallpass.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "hallpass.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* The labels of every object. Takes (list $ component). */}}
{{- define "hallpass.labels" -}}
{{- $root := index . 0 -}}
{{- $usual := fromYaml (include "hallpass.selectorLabels" .) -}}
{{- $_ := set $usual "app.kubernetes.io/version" (toString $root.Chart.AppVersion | replace "+" "_") -}}
{{- $_ := set $usual "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $usual "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") -}}
{{- toYaml (mergeOverwrite (dict) ($root.Values.commonLabels | default dict) $usual) -}}
{{- end -}}

{{/* The labels of the Pods of one component. Takes (list $ component). */}}
{{- define "hallpass.podLabels" -}}
{{- $root := index . 0 -}}
{{- $own := fromYaml (include "hallpass.selectorLabels" .) -}}
{{- toYaml (mergeOverwrite (dict) ($root.Values.commonLabels | default dict) ($root.Values.podLabels | default dict) $own) -}}
{{- end -}}

{{- define "hallpass.serviceAccountName" -}}
{{- $made := ternary (include "hallpass.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $made .Values.serviceAccount.name -}}
{{- end -}}

{{/* The image: by its digest where there is one. */}}
{{- define "hallpass.image" -}}
{{- $tag := default (toString .Chart.AppVersion) .Values.image.tag -}}
{{- if .Values.image.digest -}}
{{- printf "%s:%s@%s" .Values.image.repository $tag .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}
{{- end -}}

{{/* The host of config.server.publicUrl, without its port; objects take small letters only. */}}
{{- define "hallpass.publicHost" -}}
{{- $host := get (urlParse .Values.config.server.publicUrl) "host" -}}
{{- regexReplaceAll ":[0-9]+$" $host "" | lower -}}
{{- end -}}

{{/* The mode of the lock-down kit. YAML reads a bare off as false. */}}
{{- define "hallpass.lockdownMode" -}}
{{- $mode := toString .Values.lockdown.mode -}}
{{- ternary "off" $mode (eq $mode "false") -}}
{{- end -}}

{{/* Whether a cluster is the one that Hallpass runs in: "true", or nothing. */}}
{{- define "hallpass.isInCluster" -}}
{{- range .Values.config.clusters -}}{{- if .inCluster -}}true{{- end -}}{{- end -}}
{{- end -}}

{{/* Whether Hallpass acts in people's names in the cluster that it runs in: "true", or nothing. */}}
{{- define "hallpass.impersonates" -}}
{{- range .Values.config.clusters -}}{{- if and .inCluster (kindIs "map" .impersonate) -}}true{{- end -}}{{- end -}}
{{- end -}}

{{/* The groups of the people in whose names it does, as JSON. Nobody's group counts where it does not. */}}
{{- define "hallpass.sessionGroups" -}}
{{- ternary (list (include "hallpass.sessionGroup" .)) list (eq (include "hallpass.impersonates" .) "true") | toJson -}}
{{- end -}}
