{{/*
What it takes to act in people's names. The same as deploy/rbac-impersonate.yaml and
deploy/rbac-impersonate-constrained.yaml, which say why line by line.
*/}}
{{- define "hallpass.sessionGroup" -}}
{{- $group := "hallpass:sessions" -}}
{{- range .Values.config.clusters -}}
  {{- if .inCluster -}}{{- $group = dig "impersonate" "group" $group . -}}{{- end -}}
{{- end -}}
{{- $group -}}
{{- end -}}

{{/* Whom it may act as. */}}
{{- define "hallpass.impersonateRules" -}}
{{- $isClassic := eq .Values.rbac.impersonate "classic" -}}
{{- $verb := ternary "impersonate" "impersonate:user-info" $isClassic -}}
- apiGroups: [{{ ternary "" "authentication.k8s.io" $isClassic | quote }}]
  resources: ['users']
  verbs: [{{ $verb | quote }}]
- apiGroups: [{{ ternary "" "authentication.k8s.io" $isClassic | quote }}]
  resources: ['groups']
  resourceNames: [{{ include "hallpass.sessionGroup" . | quote }}]
  verbs: [{{ $verb | quote }}]
- apiGroups: ['authentication.k8s.io']
  resources: ['userextras/hallpass.dev/session']
  verbs: [{{ $verb | quote }}]
{{- end -}}

{{/* What it may do in their names, where that is constrained. */}}
{{- define "hallpass.impersonateOnRules" -}}
- apiGroups: ['']
  resources: ['pods/ephemeralcontainers']
  verbs: ['impersonate-on:user-info:patch']
- apiGroups: ['']
  resources: ['pods/exec']
  verbs: ['impersonate-on:user-info:get']
{{- if .Values.rbac.logs }}
- apiGroups: ['']
  resources: ['pods/log']
  verbs: ['impersonate-on:user-info:get']
{{- end }}
{{- if .Values.rbac.portForward }}
- apiGroups: ['']
  resources: ['pods/portforward']
  verbs: ['impersonate-on:user-info:get', 'impersonate-on:user-info:create']
{{- end }}
{{- end -}}

{{/* What people in sessions may do, all in the one group. */}}
{{- define "hallpass.sessionRules" -}}
- apiGroups: ['']
  resources: ['pods/ephemeralcontainers']
  verbs: ['patch']
- apiGroups: ['']
  resources: ['pods/exec']
  verbs: ['get', 'create']
{{- if .Values.rbac.logs }}
- apiGroups: ['']
  resources: ['pods/log']
  verbs: ['get']
{{- end }}
{{- if .Values.rbac.portForward }}
- apiGroups: ['']
  resources: ['pods/portforward']
  verbs: ['get', 'create']
{{- end }}
{{- end -}}

{{/* A role and its binding. Takes a dict: root, name, namespace (none: of the cluster), rules, group (none: our account). */}}
{{- define "hallpass.grant" -}}
{{- $prefix := ternary "" "Cluster" (hasKey . "namespace") }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}Role
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "hallpass.labels" (list .root "server") | nindent 4 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $prefix }}RoleBinding
metadata:
  name: {{ .name }}
  {{- with .namespace }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "hallpass.labels" (list .root "server") | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $prefix }}Role
  name: {{ .name }}
subjects:
  {{- if .group }}
  - kind: Group
    apiGroup: rbac.authorization.k8s.io
    name: {{ .group | quote }}
  {{- else }}
  - kind: ServiceAccount
    name: {{ include "hallpass.serviceAccountName" .root }}
    namespace: {{ .root.Release.Namespace }}
  {{- end }}
{{- end -}}
