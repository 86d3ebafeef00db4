// What an operator hears of, and a dashboard: alerts.json and workbook.json over the log of app and runners.
param location string
param tags object
param token string
param componentName string
@description('Who gets mail; empty: alerts are shown in the portal only.')
param mailTo string

var alerts = loadJsonContent('../alerts.json')

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(mailTo)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'batchai'
    enabled: true
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: mailTo
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2021-08-01' = [
  for alert in alerts: {
    name: 'alert-${token}-${alert.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.title
      description: alert.description
      severity: alert.severity
      enabled: true
      scopes: [component.id]
      evaluationFrequency: alert.frequency
      windowSize: alert.window
      autoMitigate: true
      // The message's words are the program's: a test holds them to it, Azure cannot know them before the first.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: alert.operator
            threshold: alert.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: empty(mailTo) ? [] : [mail.id]
      }
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(component.id, 'batchai')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Batch AI'
    category: 'workbook'
    sourceId: component.id
    serializedData: loadTextContent('../workbook.json')
  }
}
