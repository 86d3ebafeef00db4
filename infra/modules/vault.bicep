// The vault with the sealing key. Key and password are made once, by the first deployment, and shown to nobody.
param location string
param tags object
param vaultName string
@description('Principals that may read the sealing key, and nothing else of the vault.')
param readers array

@secure()
param seed string = newGuid()
@secure()
param secondSeed string = newGuid()
@secure()
param passwordSeed string = newGuid()

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: vaultName
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enabledForTemplateDeployment: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
  }
}

// 32 bytes in base64: 42 hexadecimal digits are as many digits of base64. docs/adr/0200-the-sealing-key-is-made-once.md
@onlyIfNotExists()
resource sealingKeys 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = {
  parent: vault
  name: 'sealing-keys'
  properties: {
    contentType: 'keys in base64, with commas; docs/how-to/secrets.md'
    value: '${take(replace('${seed}${secondSeed}', '-', ''), 42)}A='
  }
}

@onlyIfNotExists()
resource password 'Microsoft.KeyVault/vaults/secrets@2025-05-01' = {
  parent: vault
  name: 'runner-password'
  properties: {
    contentType: 'password of the VMs of the pools where no ssh key is given'
    value: 'Ba1-${passwordSeed}'
  }
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for reader in readers: {
    name: guid(sealingKeys.id, reader, keyVaultSecretsUser)
    scope: sealingKeys
    properties: {
      principalId: reader
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    }
  }
]

output sealingKeysUrl string = '${vault.properties.vaultUri}secrets/sealing-keys'
