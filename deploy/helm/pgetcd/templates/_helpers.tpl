{{- define "pgetcd.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "pgetcd.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "pgetcd.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "pgetcd.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "pgetcd.matchLabels" -}}
app.kubernetes.io/name: {{ include "pgetcd.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: frontend
{{- end -}}

{{- define "pgetcd.labels" -}}
app.kubernetes.io/name: {{ include "pgetcd.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "pgetcd.metadata" -}}
namespace: {{ .Release.Namespace }}
{{- with .Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "pgetcd.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- if .Values.image.registry -}}{{ .Values.image.registry }}/{{ end }}{{ .Values.image.repository }}:{{ $tag }}
{{- end -}}

{{- define "pgetcd.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "pgetcd.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "pgetcd.databaseSecret" -}}
{{- default (printf "%s-database" (include "pgetcd.fullname" .)) .Values.database.existingSecret -}}
{{- end -}}

{{- define "pgetcd.databaseUrl" -}}
{{- if .Values.postgresql.enabled -}}
{{- $auth := .Values.postgresql.auth -}}
{{- $password := required "postgresql.auth.password is needed with postgresql.enabled" $auth.password -}}
postgres://{{ $auth.username }}:{{ $password | urlquery | replace "+" "%20" }}@{{ include "pgetcd.fullname" . }}-postgresql:5432/{{ $auth.database }}
{{- else -}}
{{- required "set database.url, database.existingSecret or postgresql.enabled=true" .Values.database.url -}}
{{- end -}}
{{- end -}}

{{- define "pgetcd.rootSecret" -}}
{{- default (printf "%s-auth" (include "pgetcd.fullname" .)) .Values.auth.rbac.existingSecret -}}
{{- end -}}

{{- define "pgetcd.scheme" -}}
{{- ternary "https" "http" .Values.auth.client.secureTransport -}}
{{- end -}}

{{- define "pgetcd.tlsSecret" -}}
{{- required "auth.client.existingSecret is needed with auth.client.secureTransport" .Values.auth.client.existingSecret -}}
{{- end -}}
